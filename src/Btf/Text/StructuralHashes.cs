using System.Buffers.Binary;
using Btf.Format;

namespace Btf.Text;

/// <summary>
/// A hash of each type that does not depend on ids, on order, or on byte order. A reference to something named counts by
/// its kind and name only; what has no name is followed. So a change inside <c>struct page</c> changes the hash of that
/// struct and of no other, and the hash of a pointer to an anonymous struct says what is in the struct.
/// </summary>
internal sealed class StructuralHashes
{
    private readonly BtfBlob _blob;
    private readonly ulong[] _hashes;
    private readonly Dictionary<uint, (uint Section, BtfDatasecEntry Entry)> _places;

    public StructuralHashes(BtfBlob blob)
    {
        _blob = blob;
        _hashes = new ulong[blob.EndId];
        if (blob.Base is not null)
            new StructuralHashes(blob.Base)._hashes.CopyTo(_hashes, 0);
        _places = Places(blob);
        // Valid BTF has no cycle without a name; in other BTF a type on one counts as void where the cycle closes.
        new TypeWalk(blob) { OwnTypesOnly = blob.Base is not null, Follows = type => !IsByName(type), Leave = Set, Cycle = _ => { } }.Run();
        // The walk stops at named types, before what they refer to is hashed: theirs come once all others are known.
        foreach (var type in blob.Types)
        {
            if (IsByName(type))
                Set(type);
        }
    }

    public ulong this[uint id] => _hashes[id];

    private static bool IsByName(in BtfType type) => type.NameOffset != 0 && type.Kind is
        BtfKind.Struct or BtfKind.Union or BtfKind.Enum or BtfKind.Enum64 or BtfKind.Fwd or BtfKind.Typedef or BtfKind.Func or BtfKind.Var;

    private static Dictionary<uint, (uint, BtfDatasecEntry)> Places(BtfBlob blob)
    {
        var places = new Dictionary<uint, (uint, BtfDatasecEntry)>();
        foreach (var section in blob.Types)
        {
            if (section.Kind != BtfKind.Datasec)
                continue;
            foreach (var entry in section.DatasecEntries)
                places[entry.TypeId] = (section.Id, entry);
        }
        return places;
    }

    private void Set(BtfType type)
    {
        var hash = new Fingerprint();
        AddHead(ref hash, type);
        AddReferences(ref hash, type);
        AddEntries(ref hash, type);
        _hashes[type.Id] = hash.Value;
    }

    private static void AddHead(ref Fingerprint hash, in BtfType type)
    {
        hash.Add((ulong)type.Kind);
        hash.Add(type.NameBytes);
        hash.Add(type.HasSize ? type.SizeOrType : 0);
        // How a struct writes its bit offsets, and how much stands in a DATASEC, is told by the members and the VARs.
        if (!type.IsComposite)
            hash.Add(type.KindFlag ? 1ul : 0);
        if (type.Kind != BtfKind.Datasec)
            hash.Add((ulong)type.Vlen);
    }

    private void AddReferences(ref Fingerprint hash, in BtfType type)
    {
        if (type.Kind == BtfKind.Datasec)
            return;
        for (var i = 0; i < type.ReferenceCount; i++)
            hash.Add(ReferenceHash(_blob[type.Reference(i)]));
    }

    private ulong ReferenceHash(in BtfType type)
    {
        if (!IsByName(type))
            return _hashes[type.Id];
        var hash = new Fingerprint();
        hash.Add((ulong)type.Kind);
        hash.Add(type.NameBytes);
        return hash.Value;
    }

    private void AddEntries(ref Fingerprint hash, in BtfType type)
    {
        switch (type.Kind)
        {
            case BtfKind.Int:
                hash.Add(type.Int.Word);
                break;
            case BtfKind.Array:
                hash.Add(type.Array.ElementCount);
                break;
            case BtfKind.DeclTag:
                hash.Add((uint)type.ComponentIndex);
                break;
            case BtfKind.Var:
                hash.Add((ulong)type.Linkage);
                AddPlace(ref hash, type.Id);
                break;
            case BtfKind.Struct or BtfKind.Union:
                AddMembers(ref hash, type);
                break;
            case BtfKind.Enum or BtfKind.Enum64:
                AddEnumerators(ref hash, type);
                break;
            case BtfKind.FuncProto:
                foreach (var param in type.Params)
                    hash.Add(param.NameBytes);
                break;
            default:
                break;
        }
    }

    private static void AddMembers(ref Fingerprint hash, in BtfType type)
    {
        foreach (var member in type.Members)
        {
            hash.Add(member.NameBytes);
            hash.Add((ulong)member.BitfieldSize << 32 | member.BitOffset);
        }
    }

    private static void AddEnumerators(ref Fingerprint hash, in BtfType type)
    {
        foreach (var enumerator in type.Enumerators)
        {
            hash.Add(enumerator.NameBytes);
            hash.Add(enumerator.UnsignedValue);
        }
    }

    private void AddPlace(ref Fingerprint hash, uint varId)
    {
        if (!_places.TryGetValue(varId, out var place))
            return;
        hash.Add(_blob[place.Section].NameBytes);
        hash.Add((ulong)place.Entry.ByteOffset << 32 | place.Entry.ByteSize);
    }

    /// <summary>64 bits are enough: among 200,000 types the chance of any collision is about one in a thousand million.</summary>
    private struct Fingerprint
    {
        // 2^64 divided by the golden ratio, odd: Knuth's multiplicative hashing.
        private const ulong Multiplier = 0x9E37_79B9_7F4A_7C15;

        public ulong Value { get; private set; }

        public void Add(ulong word)
        {
            var mixed = (Value ^ word) * Multiplier;
            Value = (mixed ^ mixed >> 29) * Multiplier + 1;
        }

        public void Add(ReadOnlySpan<byte> name)
        {
            Add((ulong)name.Length);
            for (; name.Length >= sizeof(ulong); name = name[sizeof(ulong)..])
                Add(BinaryPrimitives.ReadUInt64LittleEndian(name));
            foreach (var c in name)
                Add(c);
        }
    }
}
