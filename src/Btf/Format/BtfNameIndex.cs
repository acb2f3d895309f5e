using System.Numerics;
using Btf.CoRe;

namespace Btf.Format;

/// <summary>
/// Ids by name, flavours aside (<see cref="EssentialName"/>): a table of chains in two arrays, so that building it allocates nothing per name.
/// </summary>
internal sealed class BtfNameIndex
{
    private readonly BtfBlob _blob;
    private readonly uint[] _first;
    private readonly uint[] _next;
    private readonly int _buckets;

    public BtfNameIndex(BtfBlob blob)
    {
        _blob = blob;
        _next = new uint[blob.TypeCount];
        _buckets = (int)BitOperations.RoundUpToPowerOf2((uint)blob.TypeCount + 1);
        _first = new uint[_buckets];
        // Backwards, so that each chain ascends.
        for (var id = blob.EndId; id-- > blob.FirstId;)
        {
            var type = blob[id];
            if (type.NameOffset == 0 || !blob.HasName(type.NameOffset))
                continue;
            ref var first = ref Bucket(EssentialName.Of(type.NameBytes));
            _next[id - blob.FirstId] = first;
            first = id;
        }
    }

    /// <summary>An index that was worked out before; the arrays may be longer than they need be.</summary>
    /// <param name="buckets">A power of two.</param>
    public BtfNameIndex(BtfBlob blob, uint[] first, int buckets, uint[] next) => (_blob, _first, _buckets, _next) = (blob, first, buckets, next);

    /// <summary>The first id of each chain, by hash; a power of two of them.</summary>
    public ReadOnlySpan<uint> First => _first.AsSpan(0, _buckets);

    /// <summary>For each type the next one of its chain, or 0.</summary>
    public ReadOnlySpan<uint> Next => _next.AsSpan(0, _blob.TypeCount);

    /// <summary>The types that have this name, or a flavour of it.</summary>
    /// <param name="essentialName">A name without flavour.</param>
    public Matches Find(ReadOnlySpan<byte> essentialName) => new(this, essentialName);

    private ref uint Bucket(ReadOnlySpan<byte> essentialName) => ref _first[Hash(essentialName) & (uint)(_buckets - 1)];

    /// <summary>FNV-1a: names are short, and the same table has to come of the same BTF anywhere.</summary>
    private static uint Hash(ReadOnlySpan<byte> name)
    {
        var hash = 2166136261u;
        foreach (var letter in name)
            hash = (hash ^ letter) * 16777619u;
        return hash ^ hash >> 15;
    }

    public ref struct Matches(BtfNameIndex index, ReadOnlySpan<byte> name)
    {
        private readonly ReadOnlySpan<byte> _name = name;
        private uint _following = index.Bucket(name);

        public uint Current { get; private set; }

        public readonly Matches GetEnumerator() => this;

        public bool MoveNext()
        {
            while (_following != 0)
            {
                Current = _following;
                _following = index._next[Current - index._blob.FirstId];
                if (EssentialName.Of(index._blob[Current].NameBytes).SequenceEqual(_name))
                    return true;
            }
            return false;
        }
    }
}
