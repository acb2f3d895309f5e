using System.Runtime.InteropServices;
using Btf.Format;

namespace Btf.Dedup;

/// <summary>
/// Types as words in memory, with names of a <see cref="NamePool"/>, found by what they say. A table may continue another,
/// as split BTF continues its base.
/// </summary>
internal sealed class TypeTable
{
    private readonly TypeTable? _base;
    private readonly List<uint> _words = [];
    private readonly List<int> _starts = [];

    /// <summary>First type of each hash, and for each type the next of its hash; ids, 0 for none.</summary>
    private readonly Dictionary<ulong, uint> _firstByHash = [];
    private readonly List<uint> _nextByHash = [];

    /// <summary>For each kind and name of a struct, union or enum: how many definitions there are, and the first.</summary>
    private readonly Dictionary<(BtfKind Kind, uint Name), (int Count, uint First)> _byName = [];

    public TypeTable(TypeTable? baseTable = null)
    {
        _base = baseTable;
        FirstId = baseTable?.EndId ?? 1;
        Names = new NamePool(baseTable?.Names);
    }

    /// <summary>The types of a BTF without a base, with their ids and the offsets of their names.</summary>
    /// <exception cref="BtfFormatException">It is split, or a name begins inside another: such strings cannot be continued.</exception>
    public TypeTable(BtfBlob blob)
    {
        if (blob.Base is not null)
            throw new BtfFormatException(BtfBlob.TypesSection, 0, blob.FirstId, "split BTF where a base is wanted");
        FirstId = 1;
        Names = new NamePool(blob.Strings);
        var record = new List<uint>();
        foreach (var type in blob.Types)
        {
            Read(type, Names, record);
            Add(CollectionsMarshal.AsSpan(record));
        }
        if (Names.End != blob.Strings.Length)
            throw new BtfFormatException(BtfBlob.StringsSection, 0, Names.End, "a name begins inside another");
    }

    public NamePool Names { get; }

    public uint FirstId { get; }

    public uint EndId => FirstId + (uint)_starts.Count;

    /// <summary>The record of a type: name, info, size or type, and what its kind has behind them.</summary>
    public Span<uint> this[uint id]
    {
        get
        {
            if (id < FirstId)
                return _base![id];
            var index = (int)(id - FirstId);
            var end = index + 1 < _starts.Count ? _starts[index + 1] : _words.Count;
            return CollectionsMarshal.AsSpan(_words)[_starts[index]..end];
        }
    }

    public BtfKind KindOf(uint id) => BtfInfo.Kind(this[id][1]);

    /// <summary>Appends a record and makes it findable; by all its words, or without what it refers to.</summary>
    public uint Add(ReadOnlySpan<uint> record)
    {
        var id = EndId;
        _starts.Add(_words.Count);
        _words.AddRange(record);
        var kind = BtfInfo.Kind(record[1]);
        var hash = HashOf(record, IsFoundByReferences(kind));
        ref var first = ref CollectionsMarshal.GetValueRefOrAddDefault(_firstByHash, hash, out _);
        _nextByHash.Add(first);
        first = id;
        if (Defines(record))
        {
            ref var named = ref CollectionsMarshal.GetValueRefOrAddDefault(_byName, (kind, record[0]), out _);
            named = (named.Count + 1, named.Count == 0 ? id : named.First);
        }
        return id;
    }

    /// <summary>Types of this hash, here and in the base: candidates, lowest last.</summary>
    public IEnumerable<uint> WithHash(ulong hash)
    {
        for (var id = _firstByHash.GetValueOrDefault(hash); id != 0; id = _nextByHash[(int)(id - FirstId)])
            yield return id;
        if (_base is null)
            yield break;
        foreach (var id in _base.WithHash(hash))
            yield return id;
    }

    /// <summary>A struct or union with a name, or an enum with one and with enumerators.</summary>
    private static bool Defines(ReadOnlySpan<uint> record) => record[0] != 0
        && (BtfInfo.Kind(record[1]) is BtfKind.Struct or BtfKind.Union || (BtfInfo.Kind(record[1]) is BtfKind.Enum or BtfKind.Enum64 && record.Length > 3));

    /// <summary>The only definition of a name; 0 where there is none or more than one.</summary>
    public uint OnlyDefinition(BtfKind kind, uint name)
    {
        var own = _byName.GetValueOrDefault((kind, name));
        if (_base is null)
            return own.Count == 1 ? own.First : 0;
        var below = _base._byName.GetValueOrDefault((kind, name));
        return own.Count + below.Count == 1 ? own.First | below.First : 0;
    }

    /// <summary>The type whose words are all the same, or 0.</summary>
    public uint FindSame(ReadOnlySpan<uint> record)
    {
        uint found = 0;
        var hash = HashOf(record, IsFoundByReferences(BtfInfo.Kind(record[1])));
        for (var table = this; table is not null; table = table._base)
        {
            for (var id = table._firstByHash.GetValueOrDefault(hash); id != 0; id = table._nextByHash[(int)(id - table.FirstId)])
            {
                if (table[id].SequenceEqual(record))
                    found = id;
            }
        }
        return found;
    }

    /// <summary>Pointers, modifiers, arrays and prototypes are what they refer to; the others are found by what they say themselves.</summary>
    public static bool IsFoundByReferences(BtfKind kind) => kind is BtfKind.Ptr or BtfKind.Const or BtfKind.Volatile or BtfKind.Restrict or BtfKind.Typedef
        or BtfKind.TypeTag or BtfKind.Array or BtfKind.FuncProto or BtfKind.Func or BtfKind.DeclTag;

    /// <summary>Hash of a record's words.</summary>
    public static ulong HashOf(ReadOnlySpan<uint> record, bool references)
    {
        var roles = RecordLayout.Of(BtfInfo.Kind(record[1]));
        ulong hash = 0;
        for (var i = 0; i < record.Length; i++)
        {
            if (!references && roles[i] == WordRole.Reference)
                continue;
            hash = (hash ^ record[i]) * 0x9e37_79b9_7f4a_7c15;
            hash ^= hash >> 29;
        }
        return hash;
    }

    /// <summary>The words of a type, its names interned.</summary>
    public static void Read(in BtfType type, NamePool names, List<uint> into)
    {
        into.Clear();
        var roles = RecordLayout.Of(type.Kind);
        var count = BtfWire.TrailingSize(type.Kind, type.Vlen) / sizeof(uint);
        into.Add(names.Intern(type.NameBytes));
        into.Add(type.InfoWord);
        into.Add(type.SizeOrType);
        for (var i = 0; i < count; i++)
        {
            var word = type.TrailingWord(i);
            into.Add(roles[i + 3] == WordRole.Name ? names.Intern(type.Blob.NameBytes(word)) : word);
        }
    }

    /// <summary>The types stored here as BTF with the 24-byte header; split where there is a base.</summary>
    public byte[] ToBytes(bool littleEndian) => BtfWriter.Assemble(CollectionsMarshal.AsSpan(_words), Names.Bytes, littleEndian);
}
