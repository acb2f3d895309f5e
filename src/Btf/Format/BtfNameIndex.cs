using System.Runtime.InteropServices;

namespace Btf.Format;

/// <summary>Ids by name: chains through one array, so that building it allocates no list per name.</summary>
internal sealed class BtfNameIndex
{
    private readonly BtfBlob _blob;
    private readonly Dictionary<string, uint> _first = new(StringComparer.Ordinal);
    private readonly uint[] _next;

    public BtfNameIndex(BtfBlob blob)
    {
        _blob = blob;
        _next = new uint[blob.TypeCount];
        // Backwards, so that each chain ascends.
        for (var id = blob.EndId; id-- > blob.FirstId;)
        {
            var type = blob[id];
            if (type.NameOffset == 0 || !blob.HasName(type.NameOffset))
                continue;
            ref var first = ref CollectionsMarshal.GetValueRefOrAddDefault(_first, type.Name, out _);
            _next[id - blob.FirstId] = first;
            first = id;
        }
    }

    public IEnumerable<uint> Find(string name)
    {
        for (var id = _first.GetValueOrDefault(name); id != 0; id = _next[id - _blob.FirstId])
            yield return id;
    }
}
