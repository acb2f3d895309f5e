using System.Collections.Concurrent;
using Archive.Api.Objects;
using Archive.Store.Kernels;
using Btf.Format;

namespace Archive.Api.Kernels;

/// <summary>A type or function by name.</summary>
/// <param name="Kind"><c>struct</c>, <c>union</c>, <c>enum</c>, <c>typedef</c> or <c>func</c>.</param>
public sealed record NamedType(string Kind, string Name);

/// <summary>
/// Looks names up in a kernel. The ids of all that have one, in order of name, are worked out once for a kernel (some 100 ms) and kept for the
/// kernels that were asked last, half a megabyte each.
/// </summary>
public sealed class TypeNames(WarmKernels kernels)
{
    private const int MaxKept = 48;
    private readonly ConcurrentDictionary<string, uint[]> _ids = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _order = new();

    /// <summary>Names that are the text, then those that begin with it, then those that have it in them.</summary>
    /// <param name="kind">Only these; null for all.</param>
    /// <returns>One page of them, and whether there are more.</returns>
    public async Task<(IReadOnlyList<NamedType> Names, bool HasMore)> SearchAsync(Publication publication, string text, string? kind, int skip, int limit, CancellationToken cancellation)
    {
        using var opened = await kernels.OpenAsync(publication, cancellation);
        var ids = IdsOf(publication, opened.Blob);
        var found = Matches(opened.Blob, ids, System.Text.Encoding.UTF8.GetBytes(text), kind).Skip(skip).Take(limit + 1).ToList();
        return ([.. found.Take(limit)], found.Count > limit);
    }

    /// <summary>Whether the kernel has a type or function of exactly this name.</summary>
    public async Task<IReadOnlyList<NamedType>> FindAsync(Publication publication, string name, CancellationToken cancellation)
    {
        using var opened = await kernels.OpenAsync(publication, cancellation);
        var blob = opened.Blob;
        return [.. blob.Find(name).Where(id => blob[id].NamedKind is not null).Select(id => new NamedType(blob[id].NamedKind!, name)).Distinct()];
    }

    private static IEnumerable<NamedType> Matches(BtfBlob blob, uint[] ids, byte[] text, string? kind)
    {
        var start = LowerBound(blob, ids, text);
        var end = start;
        while (end < ids.Length && blob[ids[end]].NameBytes.StartsWith(text))
            end++;
        var first = ids.AsSpan(start, end - start).ToArray();
        var inside = text.Length == 0 ? [] : ids.Where((id, i) => (i < start || i >= end) && blob[id].NameBytes.IndexOf(text) > 0);
        return first.Concat(inside).Select(id => new NamedType(blob[id].NamedKind!, blob[id].Name)).Where(named => kind is null || named.Kind == kind).Distinct();
    }

    private static int LowerBound(BtfBlob blob, uint[] ids, byte[] text)
    {
        var (low, high) = (0, ids.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (blob[ids[middle]].NameBytes.SequenceCompareTo(text) < 0)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }

    private uint[] IdsOf(Publication publication, BtfBlob blob)
    {
        var key = publication.Raw.Sha256;
        if (_ids.TryGetValue(key, out var known))
            return known;
        var ids = new List<uint>();
        for (uint id = 1; id < blob.EndId; id++)
        {
            if (blob[id].NameOffset != 0 && blob[id].NamedKind is not null)
                ids.Add(id);
        }
        ids.Sort((a, b) => blob[a].NameBytes.SequenceCompareTo(blob[b].NameBytes) is not 0 and var order ? order : a.CompareTo(b));
        if (_ids.TryAdd(key, [.. ids]))
            _order.Enqueue(key);
        while (_order.Count > MaxKept && _order.TryDequeue(out var oldest))
            _ids.TryRemove(oldest, out _);
        return [.. ids];
    }
}
