using System.Runtime.InteropServices;
using Btf.Format;

namespace Btf.Text;

/// <summary>
/// What two BTFs have and have not in common by structure: for each kind, the multiset of its types, in which references
/// to named types count by kind and name. Ids, order and byte order do not matter.
/// </summary>
public sealed class BtfDiff
{
    private BtfDiff(IReadOnlyList<BtfKindDiff> kinds) => Kinds = kinds;

    /// <summary>Every kind that either side has, in the order of <see cref="BtfKind"/>.</summary>
    public IReadOnlyList<BtfKindDiff> Kinds { get; }

    public bool AreEqual => Kinds.All(kind => kind.AreEqual);

    /// <summary>The differences of one kind; an empty one if neither side has the kind.</summary>
    public BtfKindDiff this[BtfKind kind] => Kinds.FirstOrDefault(diff => diff.Kind == kind) ?? new(kind, 0, 0, [], []);

    /// <exception cref="BtfFormatException">An id or a name is out of range.</exception>
    public static BtfDiff Compare(BtfBlob left, BtfBlob right)
    {
        var tallies = new Dictionary<ulong, Tally>(Math.Max(left.TypeCount, right.TypeCount));
        foreach (var (id, hash) in Hashes(left))
        {
            ref var tally = ref CollectionsMarshal.GetValueRefOrAddDefault(tallies, hash, out _);
            tally = tally with { Left = tally.Left + 1, LeftId = tally.LeftId == 0 ? id : tally.LeftId };
        }
        foreach (var (id, hash) in Hashes(right))
        {
            ref var tally = ref CollectionsMarshal.GetValueRefOrAddDefault(tallies, hash, out _);
            tally = tally with { Right = tally.Right + 1, RightId = tally.RightId == 0 ? id : tally.RightId };
        }
        return new BtfDiff(ByKind(left, right, tallies.Values));
    }

    /// <summary>A line of counts per kind, then a line per difference: <c>-</c> only left, <c>+</c> only right.</summary>
    public void Write(TextWriter output)
    {
        foreach (var kind in Kinds)
            output.Write($"{RawDump.KindName(kind.Kind),-12}{kind.LeftCount,10}{kind.RightCount,10}{-kind.OnlyLeftCount,8}{kind.OnlyRightCount,8:+0;-0;0}\n");
        foreach (var kind in Kinds)
        {
            foreach (var type in kind.OnlyLeft)
                output.Write($"- {type}\n");
            foreach (var type in kind.OnlyRight)
                output.Write($"+ {type}\n");
        }
    }

    private static IEnumerable<(uint Id, ulong Hash)> Hashes(BtfBlob blob)
    {
        var hashes = new StructuralHashes(blob);
        for (var id = blob.FirstId; id < blob.EndId; id++)
            yield return (id, hashes[id]);
    }

    private static List<BtfKindDiff> ByKind(BtfBlob left, BtfBlob right, IEnumerable<Tally> tallies)
    {
        var (leftCounts, rightCounts) = (left.CountByKind(), right.CountByKind());
        var unequal = tallies.Where(tally => tally.Left != tally.Right).ToList();
        var onlyLeft = unequal.Where(tally => tally.Left > tally.Right)
            .ToLookup(tally => left[tally.LeftId].Kind, tally => Entry(left[tally.LeftId], tally.Left - tally.Right));
        var onlyRight = unequal.Where(tally => tally.Right > tally.Left)
            .ToLookup(tally => right[tally.RightId].Kind, tally => Entry(right[tally.RightId], tally.Right - tally.Left));
        return Enum.GetValues<BtfKind>()
            .Where(kind => leftCounts.ContainsKey(kind) || rightCounts.ContainsKey(kind))
            .Select(kind => new BtfKindDiff(kind, leftCounts.GetValueOrDefault(kind), rightCounts.GetValueOrDefault(kind), Sorted(onlyLeft[kind]), Sorted(onlyRight[kind])))
            .ToList();
    }

    private static BtfDiffEntry Entry(in BtfType type, int count) => new(type.Kind, type.Name, type.Id, count, TypePhrase.Of(type));

    private static List<BtfDiffEntry> Sorted(IEnumerable<BtfDiffEntry> entries) =>
        [.. entries.OrderBy(entry => entry.Phrase, StringComparer.Ordinal).ThenBy(entry => entry.Id)];

    private readonly record struct Tally(int Left, int Right, uint LeftId, uint RightId);
}

/// <summary>One kind on both sides.</summary>
public sealed record BtfKindDiff(BtfKind Kind, int LeftCount, int RightCount, IReadOnlyList<BtfDiffEntry> OnlyLeft, IReadOnlyList<BtfDiffEntry> OnlyRight)
{
    public bool AreEqual => OnlyLeft.Count == 0 && OnlyRight.Count == 0;
    public int OnlyLeftCount => OnlyLeft.Sum(entry => entry.Count);
    public int OnlyRightCount => OnlyRight.Sum(entry => entry.Count);
}

/// <summary>A type that one side has and the other has not, or has fewer times.</summary>
/// <param name="Name">Empty if it has none.</param>
/// <param name="Id">The first of them on its side.</param>
/// <param name="Count">How many more times it is there.</param>
/// <param name="Phrase">Kind, name and what it is made of, for people.</param>
public sealed record BtfDiffEntry(BtfKind Kind, string Name, uint Id, int Count, string Phrase)
{
    public override string ToString() => Count == 1 ? $"{Phrase} [{Id}]" : $"{Phrase} [{Id}] ×{Count}";
}
