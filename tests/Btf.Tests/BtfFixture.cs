using System.Buffers.Binary;
using System.Text;
using Btf.Format;

namespace Btf.Tests;

/// <summary>Small BTF, type by type, with every word open to mistakes. Ids count from 1, or on from a base.</summary>
internal sealed class BtfFixture(bool bigEndian = false, uint firstId = 1, uint firstNameOffset = 0)
{
    private readonly List<uint> _types = [];
    private readonly List<byte> _strings = firstNameOffset == 0 ? [0] : [];
    private readonly Dictionary<string, uint> _names = new(StringComparer.Ordinal);
    private uint _nextId = firstId;

    public uint Name(string name)
    {
        if (name.Length > 0 && !_names.ContainsKey(name))
            _names.Add(name, AddString(name));
        return _names.GetValueOrDefault(name);
    }

    /// <summary>Stores a string whether it is there or not.</summary>
    public uint AddString(string name)
    {
        var offset = (uint)_strings.Count + firstNameOffset;
        _strings.AddRange([.. Encoding.UTF8.GetBytes(name), 0]);
        return offset;
    }

    /// <summary>Any type; <paramref name="trailing"/> are the words that follow the three of every type.</summary>
    public uint Type(BtfKind kind, string name = "", int vlen = 0, bool flag = false, uint sizeOrType = 0, params uint[] trailing) =>
        Words([Name(name), Info(kind, vlen, flag), sizeOrType, .. trailing]);

    public uint Words(params uint[] words)
    {
        _types.AddRange(words);
        return _nextId++;
    }

    public static uint Info(BtfKind kind, int vlen, bool flag = false) => (flag ? 1u << 31 : 0) | (uint)kind << 24 | (uint)vlen;

    public uint Int(string name = "int", uint size = 4, uint bits = 32, uint bitOffset = 0, uint encoding = 1) =>
        Type(BtfKind.Int, name, sizeOrType: size, trailing: [encoding << 24 | bitOffset << 16 | bits]);

    public uint Array(uint element, uint index, uint count) => Type(BtfKind.Array, trailing: [element, index, count]);

    public uint Composite(BtfKind kind, string name, uint size, bool flag, params (string Name, uint Type, uint Offset)[] members) =>
        Type(kind, name, members.Length, flag, size, [.. members.SelectMany(member => new[] { Name(member.Name), member.Type, member.Offset })]);

    public uint Struct(string name, uint size, params (string Name, uint Type, uint Offset)[] members) =>
        Composite(BtfKind.Struct, name, size, flag: false, members);

    public uint Prototype(uint result, params (string Name, uint Type)[] parameters) =>
        Type(BtfKind.FuncProto, "", parameters.Length, false, result, [.. parameters.SelectMany(param => new[] { Name(param.Name), param.Type })]);

    public uint Enum(string name, uint size, params (string Name, uint Value)[] values) =>
        Type(BtfKind.Enum, name, values.Length, false, size, [.. values.SelectMany(value => new[] { Name(value.Name), value.Value })]);

    public uint Datasec(string name, uint size, params (uint Type, uint Offset, uint Size)[] entries) =>
        Type(BtfKind.Datasec, name, entries.Length, false, size, [.. entries.SelectMany(entry => new[] { entry.Type, entry.Offset, entry.Size })]);

    public BtfBlob Blob(BtfBlob? baseBtf = null) => BtfBlob.Parse(Bytes(), baseBtf);

    public byte[] Bytes(uint headerLength = BtfWire.HeaderSize)
    {
        var types = (uint)_types.Count * 4;
        uint[] sections = [headerLength, 0, types, types, (uint)_strings.Count];
        var bytes = new byte[headerLength + types + _strings.Count];
        Put16(bytes, BtfWire.Magic);
        bytes[2] = BtfWire.Version;
        for (var i = 0; i < sections.Length; i++)
            Put(bytes.AsSpan(4 + 4 * i), sections[i]);
        for (var i = 0; i < _types.Count; i++)
            Put(bytes.AsSpan((int)headerLength + 4 * i), _types[i]);
        _strings.CopyTo(bytes, (int)(headerLength + types));
        return bytes;
    }

    /// <summary>A valid BTF with a type of every kind.</summary>
    public static BtfFixture OfEveryKind(bool bigEndian = false)
    {
        var btf = new BtfFixture(bigEndian);
        var integer = btf.Int();
        var pointer = btf.Type(BtfKind.Ptr, sizeOrType: integer);
        var array = btf.Array(integer, integer, 4);
        var constant = btf.Type(BtfKind.Const, sizeOrType: integer);
        var typedef = btf.Type(BtfKind.Typedef, "number", sizeOrType: constant);
        var smallEnum = btf.Enum("color", 4, ("RED", 0), ("GREEN", 1));
        btf.Type(BtfKind.Enum64, "wide", 1, true, 8, btf.Name("FAR"), 0xffff_fffe, 0xffff_ffff);
        var floating = btf.Type(BtfKind.Float, "double", sizeOrType: 8);
        var inner = btf.Struct("inner", 24, ("p", pointer, 0), ("f", floating, 64), ("n", typedef, 128));
        var outer = btf.Composite(BtfKind.Struct, "outer", 48, true,
            ("i", inner, 0), ("low", integer, 3u << 24 | 192), ("high", integer, 5u << 24 | 195), ("c", smallEnum, 2u << 24 | 200), ("a", array, 224));
        var union = btf.Composite(BtfKind.Union, "either", 16, false, ("i", integer, 0), ("a", array, 0));
        var forward = btf.Type(BtfKind.Fwd, "opaque");
        btf.Type(BtfKind.Ptr, sizeOrType: forward);
        var volatility = btf.Type(BtfKind.Volatile, sizeOrType: outer);
        var tag = btf.Type(BtfKind.TypeTag, "user", sizeOrType: volatility);
        var tagged = btf.Type(BtfKind.Ptr, sizeOrType: tag);
        btf.Type(BtfKind.Restrict, sizeOrType: tagged);
        var prototype = btf.Prototype(integer, ("argument", tagged), ("either", union), ("", 0));
        var function = btf.Type(BtfKind.Func, "call", 1, sizeOrType: prototype);
        btf.Type(BtfKind.DeclTag, "kfunc", sizeOrType: function, trailing: [uint.MaxValue]);
        btf.Type(BtfKind.DeclTag, "member", sizeOrType: inner, trailing: [1]);
        var first = btf.Type(BtfKind.Var, "counter", sizeOrType: integer, trailing: [1]);
        var second = btf.Type(BtfKind.Var, "table", sizeOrType: array, trailing: [0]);
        btf.Datasec(".data..percpu", 64, (first, 0, 4), (second, 16, 16));
        return btf;
    }

    private void Put(Span<byte> at, uint word)
    {
        if (bigEndian)
            BinaryPrimitives.WriteUInt32BigEndian(at, word);
        else
            BinaryPrimitives.WriteUInt32LittleEndian(at, word);
    }

    private void Put16(Span<byte> at, ushort word)
    {
        if (bigEndian)
            BinaryPrimitives.WriteUInt16BigEndian(at, word);
        else
            BinaryPrimitives.WriteUInt16LittleEndian(at, word);
    }
}
