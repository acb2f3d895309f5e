using System.Runtime.InteropServices;

namespace Btf.Series;

/// <summary>What an item is among those of the blob before.</summary>
internal enum Fate : byte
{
    /// <summary>The same.</summary>
    Kept,

    /// <summary>Another body under the same name.</summary>
    Changed,

    /// <summary>Nothing there is like it.</summary>
    New,
}

/// <summary>Consecutive items of one fate.</summary>
/// <param name="From">Index of the first one's counterpart; of no meaning where they are new.</param>
internal readonly record struct Run(Fate Fate, int Count, int From);

/// <summary>
/// Finds each item's counterpart in an older list by key. Where the counterparts of neighbours are neighbours, as they nearly always are between two builds,
/// repeated keys do not confuse: the next in the old list comes first, any other of the key only where that one differs.
/// </summary>
internal static class Alignment
{
    public const int None = -1;

    /// <returns>For each new item the index of its counterpart, or <see cref="None"/>.</returns>
    public static int[] Find(ReadOnlySpan<ulong> older, ReadOnlySpan<ulong> newer)
    {
        var (first, next) = Index(older);
        var found = new int[newer.Length];
        var expected = 0;
        for (var i = 0; i < newer.Length; i++)
        {
            if (expected >= older.Length || older[expected] != newer[i])
            {
                if (!first.TryGetValue(newer[i], out var other))
                {
                    found[i] = None;
                    continue;
                }
                expected = Nearest(other, next, expected);
            }
            found[i] = expected++;
        }
        return found;
    }

    /// <summary>The first of each key, and the next of the same key behind each.</summary>
    private static (Dictionary<ulong, int> First, int[] Next) Index(ReadOnlySpan<ulong> keys)
    {
        var first = new Dictionary<ulong, int>(keys.Length);
        var next = new int[keys.Length];
        for (var i = keys.Length - 1; i >= 0; i--)
        {
            ref var head = ref CollectionsMarshal.GetValueRefOrAddDefault(first, keys[i], out var exists);
            next[i] = exists ? head : None;
            head = i;
        }
        return (first, next);
    }

    /// <summary>The first of the chain that is not before the place; the chain's first where none is.</summary>
    private static int Nearest(int first, int[] next, int place)
    {
        const int longest = 64; // A key of thousands of items (an anonymous enum) must not cost their square.
        var at = first;
        for (var i = 0; i < longest && at != None; i++, at = next[at])
        {
            if (at >= place)
                return at;
        }
        return first;
    }
}
