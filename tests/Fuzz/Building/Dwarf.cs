namespace Fuzz.Building;

/// <summary>DW_TAG (DWARF 5 §7.5.3), as far as the builders write them.</summary>
internal static class Tag
{
    public const ushort ArrayType = 0x01, EnumerationType = 0x04, FormalParameter = 0x05, LexicalBlock = 0x0b, Member = 0x0d,
        PointerType = 0x0f, CompileUnit = 0x11, StructureType = 0x13, SubroutineType = 0x15, Typedef = 0x16, UnionType = 0x17,
        UnspecifiedParameters = 0x18, SubrangeType = 0x21, BaseType = 0x24, ConstType = 0x26, Enumerator = 0x28, Subprogram = 0x2e,
        Variable = 0x34, VolatileType = 0x35, RestrictType = 0x37, Namespace = 0x39, UnspecifiedType = 0x3b, PartialUnit = 0x3c,
        ImportedUnit = 0x3d, AtomicType = 0x47, CallSite = 0x48;
}

/// <summary>DW_AT (DWARF 5 §7.5.4).</summary>
internal static class At
{
    public const ushort Sibling = 0x01, Location = 0x02, Name = 0x03, ByteSize = 0x0b, BitOffset = 0x0c, BitSize = 0x0d, StmtList = 0x10, LowPc = 0x11,
        Language = 0x13, ConstValue = 0x1c, Inline = 0x20, Producer = 0x25, UpperBound = 0x2f, AbstractOrigin = 0x31, Artificial = 0x34,
        Count = 0x37, DataMemberLocation = 0x38, Declaration = 0x3c, Encoding = 0x3e, External = 0x3f, Specification = 0x47, Type = 0x49,
        DataBitOffset = 0x6b;
}

/// <summary>DW_FORM (DWARF 5 §7.5.6).</summary>
internal static class Form
{
    public const ushort Addr = 0x01, Data2 = 0x05, Data4 = 0x06, Data8 = 0x07, String = 0x08, Block1 = 0x0a, Data1 = 0x0b, Sdata = 0x0d,
        Strp = 0x0e, Udata = 0x0f, RefAddr = 0x10, Ref4 = 0x13, SecOffset = 0x17, Exprloc = 0x18, FlagPresent = 0x19, Data16 = 0x1e,
        LineStrp = 0x1f, ImplicitConst = 0x21;
}

/// <summary>A DIE to be written. A value is a number, a text, bytes, or the DIE that is referred to.</summary>
internal sealed class Die(ushort tag)
{
    public ushort Tag { get; } = tag;

    public List<(ushort At, ushort Form, object Value)> Attributes { get; } = [];

    public List<Die> Children { get; } = [];

    /// <summary>Offset in <c>.debug_info</c>, once it is written.</summary>
    public int Offset { get; set; }

    public Die With(ushort at, ushort form, object value)
    {
        Attributes.Add((at, form, value));
        return this;
    }

    public Die Named(string name) => With(At.Name, Form.String, name);

    public Die OfType(Die type) => With(At.Type, Form.Ref4, type);

    public Die Sized(ulong bytes) => With(At.ByteSize, Form.Udata, bytes);

    public Die Holding(params IEnumerable<Die> children)
    {
        Children.AddRange(children);
        return this;
    }

    public static Die Base(string name, ulong bytes, byte encoding = 5) =>
        new Die(Building.Tag.BaseType).Named(name).Sized(bytes).With(At.Encoding, Form.Data1, (ulong)encoding);

    public static Die Member(string name, Die type, ulong offset) =>
        new Die(Building.Tag.Member).Named(name).OfType(type).With(At.DataMemberLocation, Form.Udata, offset);
}

/// <summary>Writes units with one table of abbreviations. References may point forwards and to other units.</summary>
internal sealed class DwarfBuilder(bool bigEndian, byte addressBytes)
{
    private readonly ByteOrderWriter _info = new(bigEndian);
    private readonly ByteOrderWriter _abbrev = new(bigEndian);
    private readonly Dictionary<string, ulong> _codes = new(StringComparer.Ordinal);
    private readonly List<(int At, int UnitStart, bool OfSection, Die Target)> _references = [];

    public byte[] Info
    {
        get
        {
            foreach (var (at, unitStart, ofSection, target) in _references)
                _info.Patch(at, (ulong)(target.Offset - (ofSection ? 0 : unitStart)), 4);
            return _info.ToArray();
        }
    }

    public byte[] Abbrev => [.. _abbrev.ToArray(), 0];

    /// <summary>Adds a unit of C.</summary>
    /// <param name="version">2 to 5.</param>
    /// <param name="length">What the header states; null for the truth.</param>
    /// <param name="lines">Offset of its line table; null for none.</param>
    public void Add(ushort version, IEnumerable<Die> dies, ulong? length = null, ulong? lines = null)
    {
        var start = _info.Length;
        _info.Number(0, 4);
        _info.Number(version, 2);
        if (version >= 5)
        {
            _info.Number(1, 1);
            _info.Number(addressBytes, 1);
        }
        _info.Number(0, 4);
        if (version < 5)
            _info.Number(addressBytes, 1);
        var unit = new Die(Tag.CompileUnit).Named("unit.c").With(At.Language, Form.Data1, 12UL).With(At.Producer, Form.String, "GNU C17").Holding(dies);
        if (lines is { } offset)
            unit.With(At.StmtList, Form.SecOffset, offset);
        Write(unit, start);
        _info.Patch(start, length ?? (ulong)(_info.Length - start - 4), 4);
    }

    /// <summary>DIEs are written with an explicit stack: tests nest them deeply.</summary>
    private void Write(Die unit, int start)
    {
        var open = new Stack<(Die Die, int Next)>();
        WriteOne(unit, start);
        open.Push((unit, 0));
        while (open.TryPop(out var top))
        {
            if (top.Next == top.Die.Children.Count)
            {
                if (top.Next > 0)
                    _info.Uleb(0);
                continue;
            }
            open.Push((top.Die, top.Next + 1));
            WriteOne(top.Die.Children[top.Next], start);
            open.Push((top.Die.Children[top.Next], 0));
        }
    }

    private void WriteOne(Die die, int start)
    {
        die.Offset = _info.Length;
        _info.Uleb(CodeOf(die));
        foreach (var (_, form, value) in die.Attributes)
            WriteValue(form, value, start);
    }

    private ulong CodeOf(Die die)
    {
        var key = $"{die.Tag},{die.Children.Count > 0},{string.Join(',', die.Attributes.Select(a => $"{a.At}:{a.Form}{(a.Form == Form.ImplicitConst ? a.Value : "")}"))}";
        if (_codes.TryGetValue(key, out var code))
            return code;
        code = (ulong)_codes.Count + 1;
        _codes.Add(key, code);
        _abbrev.Uleb(code);
        _abbrev.Uleb(die.Tag);
        _abbrev.Number(die.Children.Count > 0 ? 1u : 0, 1);
        foreach (var (at, form, value) in die.Attributes)
        {
            _abbrev.Uleb(at);
            _abbrev.Uleb(form);
            if (form == Form.ImplicitConst)
                _abbrev.Sleb((long)(ulong)value);
        }
        _abbrev.Raw([0, 0]);
        return code;
    }

    private void WriteValue(ushort form, object value, int start)
    {
        switch (value)
        {
            case Die target:
                _references.Add((_info.Length, start, form == Form.RefAddr, target));
                _info.Number(0, 4);
                break;
            case string text:
                _info.Text(text);
                break;
            case byte[] block:
                if (form == Form.Block1)
                    _info.Number((byte)block.Length, 1);
                else if (form == Form.Exprloc)
                    _info.Uleb((ulong)block.Length);
                _info.Raw(block);
                break;
            default:
                WriteNumber(form, (ulong)value);
                break;
        }
    }

    private void WriteNumber(ushort form, ulong value)
    {
        switch (form)
        {
            case Form.Udata:
                _info.Uleb(value);
                break;
            case Form.Sdata:
                _info.Sleb((long)value);
                break;
            case Form.FlagPresent or Form.ImplicitConst:
                break;
            default:
                _info.Number(value, SizeOf(form));
                break;
        }
    }

    private int SizeOf(ushort form) => form switch
    {
        Form.Data1 => 1,
        Form.Data2 => 2,
        Form.Data8 => 8,
        Form.Addr => addressBytes,
        _ => 4,
    };
}
