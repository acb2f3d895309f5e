using System.Runtime.CompilerServices;

namespace Archive.Extractor.Dwarf;

/// <summary>
/// Reads the DIEs of one unit in order (DWARF 5 §7.5.3 to §7.5.6). <see cref="Next"/> steps over the attributes of a DIE; what
/// they hold is decoded when it is asked for, so that a DIE of no interest costs one addition.
/// </summary>
internal ref struct DieReader
{
    private readonly DebugSections _sections;
    private readonly AbbrevTable _table;
    private readonly UnitHeader _unit;

    /// <summary>Fields of a DIE with a variable layout, at positions in the unit.</summary>
    private readonly Span<Field> _walked;
    private DwarfReader _reader;
    private ReadOnlySpan<Field> _fields;
    private int _origin;
    private int _nameAt;

    /// <param name="bytes">The unit with its header.</param>
    /// <param name="scratch">At least <see cref="Slot.SlotCount"/> fields.</param>
    public DieReader(DebugSections sections, AbbrevTable table, scoped in UnitHeader unit, ReadOnlySpan<byte> bytes, Span<Field> scratch)
    {
        _sections = sections;
        _table = table;
        _unit = unit;
        _walked = scratch;
        _reader = new DwarfReader(bytes, ".debug_info", unit.Offset, sections.Endian) { Position = unit.HeaderSize };
    }

    /// <summary>Of the next DIE, in bytes from the start of the unit.</summary>
    public int Position
    {
        readonly get => _reader.Position;
        set => _reader.Position = value;
    }

    public readonly bool AtEnd => _reader.AtEnd;

    public readonly int Length => _reader.Length;

    /// <summary>The unit with its header.</summary>
    public readonly ReadOnlySpan<byte> Bytes => _reader.Bytes;

    public readonly long UnitOffset => _unit.Offset;

    /// <summary>Reads the next DIE's abbreviation and steps over its attributes.</summary>
    /// <returns>Index of the abbreviation in the table; -1 for the null entry that ends a list of siblings.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int Next()
    {
        var code = _reader.Uleb();
        if (code == 0)
            return -1;
        var index = _table.IndexOf(code);
        if (index < 0)
            throw _reader.Error("abbreviation code not in the unit's table", code);
        ref readonly var abbrev = ref _table[index];
        _origin = _reader.Position;
        if (abbrev.Layout == DieLayout.Fixed)
        {
            _fields = _table.Fields(index);
            _reader.Skip((uint)abbrev.FixedSize);
        }
        else
        {
            NextVariable(index);
        }
        return index;
    }

    private void NextVariable(int index)
    {
        ref readonly var abbrev = ref _table[index];
        _nameAt = _origin;
        if (abbrev.Layout == DieLayout.NameThenFixed)
        {
            _fields = _table.Fields(index);
            _reader.SkipString();
            _origin = _reader.Position;
            _reader.Skip((uint)abbrev.FixedSize);
            return;
        }
        _walked.Clear();
        _fields = _walked;
        foreach (ref readonly var step in _table.Steps(abbrev))
        {
            _reader.Skip((uint)step.SkipBefore);
            Walk(step.Form, step.Slot, step.Constant);
        }
        _reader.Skip((uint)abbrev.SkipAfter);
        _origin = 0;
    }

    private void Walk(DwForm form, Slot slot, int constant)
    {
        if (form == DwForm.Indirect)
        {
            Walk(IndirectForm(), slot, constant);
            return;
        }
        if (slot != Slot.None)
            _walked[(int)slot] = new Field(form == DwForm.ImplicitConst ? constant : _reader.Position, form);
        if (slot == Slot.Name)
            _nameAt = _reader.Position;
        var size = AbbrevTable.FixedSize(form, _unit);
        if (size >= 0)
            _reader.Skip((uint)size);
        else
            SkipVariable(ref _reader, form);
    }

    /// <summary>DW_FORM_indirect names the form in the data; it cannot name itself or implicit_const (DWARF 5 §7.5.3).</summary>
    private DwForm IndirectForm()
    {
        var form = _reader.Uleb();
        if (form > ushort.MaxValue || (DwForm)form is DwForm.Indirect or DwForm.ImplicitConst)
            throw _reader.Error("form not allowed behind DW_FORM_indirect", form);
        return (DwForm)form;
    }

    private static void SkipVariable(ref DwarfReader reader, DwForm form)
    {
        switch (form)
        {
            case DwForm.Udata or DwForm.RefUdata or DwForm.Strx or DwForm.Addrx or DwForm.Loclistx or DwForm.Rnglistx or DwForm.Sdata:
                reader.Uleb();
                break;
            case DwForm.String:
                reader.SkipString();
                break;
            case DwForm.Exprloc or DwForm.Block or DwForm.Block1 or DwForm.Block2 or DwForm.Block4:
                reader.Skip(BlockLength(ref reader, form));
                break;
            default:
                throw reader.Error("unknown form", (ulong)form);
        }
    }

    private static ulong BlockLength(ref DwarfReader reader, DwForm form) => form switch
    {
        DwForm.Block1 => reader.U8(),
        DwForm.Block2 => reader.U16(),
        DwForm.Block4 => reader.U32(),
        _ => reader.Uleb(),
    };

    /// <summary>The unit's header with the bases that its DIE, just read, states; they have defaults behind the header of each contribution (DWARF 5 §7.26 to §7.29).</summary>
    public readonly UnitHeader WithBases()
    {
        var header = _unit.OffsetSize == 8 ? 16u : 8u;
        return _unit with
        {
            StrOffsetsBase = Has(Slot.StrOffsetsBase) ? Address(Slot.StrOffsetsBase) : header,
            AddrBase = Has(Slot.AddrBase) ? Address(Slot.AddrBase) : header,
            LoclistsBase = Has(Slot.LoclistsBase) ? Address(Slot.LoclistsBase) : header + 4,
        };
    }

    public readonly DwarfFormatException Error(string problem, ulong? value = null) => _reader.Error(problem, value);

    public readonly bool Has(Slot slot) => _fields[(int)slot].Form != DwForm.None;

    public readonly DwForm Form(Slot slot) => _fields[(int)slot].Form;

    /// <summary>A reader of the DIE's bytes, at the value of a field.</summary>
    private readonly DwarfReader At(Field field) =>
        new(_reader.Bytes, ".debug_info", _unit.Offset, _sections.Endian) { Position = _origin + field.At };

    /// <summary>A constant: data1 to data8 are zero-extended, sdata and implicit_const sign-extended (as libdw reads them). 0 where absent, or in another form.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly ulong Constant(Slot slot)
    {
        var field = _fields[(int)slot];
        return field.Form switch
        {
            DwForm.None => 0,
            DwForm.Data1 => _reader.Bytes[_origin + field.At],
            DwForm.Data2 => _sections.Endian.U16(_reader.Bytes[(_origin + field.At)..]),
            DwForm.ImplicitConst => (ulong)_table.Constant(field.At),
            _ => RareConstant(field),
        };
    }

    private readonly ulong RareConstant(Field field)
    {
        var reader = At(field);
        return field.Form switch
        {
            DwForm.Data4 => reader.U32(),
            DwForm.Data8 => reader.U64(),
            DwForm.Udata => reader.Uleb(),
            DwForm.Sdata => (ulong)reader.Sleb(),
            _ => 0,
        };
    }

    public readonly bool Flag(Slot slot) => _fields[(int)slot] switch
    {
        { Form: DwForm.FlagPresent } => true,
        { Form: DwForm.Flag } field => _reader.Bytes[_origin + field.At] != 0,
        _ => false,
    };

    /// <summary>The DIE that an attribute refers to, as an offset in the space of all units (<see cref="DebugSections"/>); 0 for none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly uint Reference(Slot slot)
    {
        var field = _fields[(int)slot];
        if (field.Form == DwForm.None)
            return 0;
        return field.Form == DwForm.Ref4
            ? Within(_sections.Endian.U32(_reader.Bytes[(_origin + field.At)..]))
            : RareReference(field);
    }

    /// <summary>A reference inside the unit; 0 means none there, since no DIE is in the header.</summary>
    private readonly uint Within(ulong target)
    {
        if (target == 0)
            return 0;
        return target < (ulong)_unit.Length ? (uint)(_unit.Offset + (long)target) : throw _reader.Error("reference past the unit", target);
    }

    private readonly uint RareReference(Field field)
    {
        var reader = At(field);
        switch (field.Form)
        {
            case DwForm.Ref1:
                return Within(reader.U8());
            case DwForm.Ref2:
                return Within(reader.U16());
            case DwForm.Ref8:
                return Within(reader.U64());
            case DwForm.RefUdata:
                return Within(reader.Uleb());
            case DwForm.RefAddr:
                return _sections.Resolve(_unit, reader.Word(_unit.Version <= 2 ? _unit.AddressSize : _unit.OffsetSize));
            case DwForm.RefSig8:
                return _sections.ResolveSignature(_unit, reader.U64());
            case DwForm.GnuRefAlt:
                return _sections.ResolveSupplementary(_unit, reader.Word(_unit.OffsetSize));
            case DwForm.RefSup4:
                return _sections.ResolveSupplementary(_unit, reader.U32());
            case DwForm.RefSup8:
                return _sections.ResolveSupplementary(_unit, reader.U64());
            default:
                throw reader.Error("reference in an unknown form", (ulong)field.Form);
        }
    }

    public readonly bool IsReference(Slot slot) => _fields[(int)slot].Form
        is DwForm.Ref1 or DwForm.Ref2 or DwForm.Ref4 or DwForm.Ref8 or DwForm.RefUdata or DwForm.RefAddr or DwForm.RefSig8 or DwForm.GnuRefAlt;

    public readonly bool IsBlock(Slot slot) => _fields[(int)slot].Form
        is DwForm.Exprloc or DwForm.Block or DwForm.Block1 or DwForm.Block2 or DwForm.Block4;

    /// <summary>Position in the unit and length of a block attribute.</summary>
    public readonly (int Position, int Length) Block(Slot slot)
    {
        var field = _fields[(int)slot];
        var reader = At(field);
        var length = BlockLength(ref reader, field.Form);
        return (reader.Position, (int)length);
    }

    /// <summary>An address (also one of .debug_addr by its index), or an offset into another section; 0 where absent.</summary>
    public readonly ulong Address(Slot slot)
    {
        var field = _fields[(int)slot];
        if (field.Form == DwForm.None)
            return 0;
        var reader = At(field);
        return field.Form switch
        {
            DwForm.Addr => reader.Word(_unit.AddressSize),
            DwForm.SecOffset => reader.Word(_unit.OffsetSize),
            DwForm.Data4 => reader.U32(),
            DwForm.Data8 => reader.U64(),
            DwForm.Loclistx => reader.Uleb(),
            DwForm.Addrx => _sections.AddressAt(_unit, reader.Uleb()),
            DwForm.Addrx1 => _sections.AddressAt(_unit, reader.U8()),
            DwForm.Addrx2 => _sections.AddressAt(_unit, reader.U16()),
            DwForm.Addrx3 => _sections.AddressAt(_unit, reader.U24()),
            DwForm.Addrx4 => _sections.AddressAt(_unit, reader.U32()),
            _ => 0,
        };
    }

    /// <summary>Where the text of a string attribute is.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly NameRef Name(Slot slot)
    {
        var field = _fields[(int)slot];
        if (field.Form == DwForm.Strp && _unit is { OffsetSize: 4, Space: not UnitSpace.Supplementary })
            return new NameRef(NameRef.DebugStr | _sections.Endian.U32(_reader.Bytes[(_origin + field.At)..]));
        return field.Form == DwForm.None ? default : RareName(slot, field);
    }

    private readonly NameRef RareName(Slot slot, Field field)
    {
        if (field.Form == DwForm.String)
            return new NameRef(NameRef.Inline | (uint)(slot == Slot.Name ? _nameAt : _origin + field.At));
        var reader = At(field);
        return field.Form switch
        {
            DwForm.Strp when _unit.Space != UnitSpace.Supplementary => new NameRef(NameRef.DebugStr | reader.Word(_unit.OffsetSize)),
            DwForm.LineStrp => new NameRef(NameRef.DebugLineStr | reader.Word(_unit.OffsetSize)),
            DwForm.GnuStrpAlt or DwForm.StrpSup or DwForm.Strp => new NameRef(NameRef.Supplementary | reader.Word(_unit.OffsetSize)),
            DwForm.Strx => _sections.StringAt(_unit, reader.Uleb()),
            DwForm.Strx1 => _sections.StringAt(_unit, reader.U8()),
            DwForm.Strx2 => _sections.StringAt(_unit, reader.U16()),
            DwForm.Strx3 => _sections.StringAt(_unit, reader.U24()),
            DwForm.Strx4 => _sections.StringAt(_unit, reader.U32()),
            _ => throw reader.Error("name in an unknown form", (ulong)field.Form),
        };
    }
}

/// <summary>Where the bytes of a name are: 0 for none, else section in the high bits and offset in the rest.</summary>
internal readonly record struct NameRef(ulong Value)
{
    private const ulong SectionMask = 7UL << 61;

    public const ulong DebugStr = 1UL << 61;
    public const ulong DebugLineStr = 2UL << 61;

    /// <summary><c>.debug_str</c> of the supplementary file (dwz).</summary>
    public const ulong Supplementary = 3UL << 61;

    /// <summary>In the unit itself (DW_FORM_string): offset from the start of the unit.</summary>
    public const ulong Inline = 4UL << 61;

    public bool IsNone => Value == 0;

    public ulong Section => Value & SectionMask;

    public ulong Offset => Value & ~SectionMask;
}
