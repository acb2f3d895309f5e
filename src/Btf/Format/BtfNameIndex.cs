using System.Runtime.InteropServices;
using System.Text;

namespace Btf.Format;

/// <summary>Ids by name: chains through one array, so that building it allocates no list per name.</summary>
internal sealed class BtfNameIndex
{
    private readonly BtfBlob _blob;
    private readonly Dictionary<ReadOnlyMemory<byte>, uint> _first = new(ByteEquality.Instance);
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
            ref var first = ref CollectionsMarshal.GetValueRefOrAddDefault(_first, blob.NameMemory(type.NameOffset), out _);
            _next[id - blob.FirstId] = first;
            first = id;
        }
    }

    public IEnumerable<uint> Find(string name)
    {
        for (var id = _first.GetValueOrDefault(Encoding.UTF8.GetBytes(name)); id != 0; id = _next[id - _blob.FirstId])
            yield return id;
    }
}
