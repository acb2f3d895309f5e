using Btf.Elf;

namespace Archive.Extractor.Dwarf;

/// <summary>DW_UT, DWARF 5 §7.5.1.</summary>
internal enum UnitType : byte
{
    Compile = 1,
    Type = 2,
    Partial = 3,
    Skeleton = 4,
    SplitCompile = 5,
    SplitType = 6,
}

/// <summary>The section that a unit stands in.</summary>
internal enum UnitSpace : byte
{
    /// <summary><c>.debug_info</c>.</summary>
    Info,

    /// <summary><c>.debug_types</c> (DWARF 4 §3.1.3).</summary>
    Types,

    /// <summary><c>.debug_info</c> of the supplementary file that dwz moved common DIEs to.</summary>
    Supplementary,
}

/// <summary>Header of one unit (DWARF 5 §7.5.1; DWARF 2 to 4 §7.5.1.1).</summary>
/// <param name="Offset">Of the unit in the space of all units (<see cref="DebugSections"/>), in bytes.</param>
/// <param name="Length">Whole unit with its header, in bytes.</param>
/// <param name="HeaderSize">Bytes before the first DIE.</param>
/// <param name="OffsetSize">4 for 32-bit DWARF, 8 for 64-bit DWARF.</param>
/// <param name="Signature">Of a type unit.</param>
/// <param name="TypeOffset">Of the type in a type unit, from the start of the unit.</param>
internal readonly record struct UnitHeader(
    UnitSpace Space,
    long Offset,
    int Length,
    int HeaderSize,
    ushort Version,
    UnitType Type,
    long AbbrevOffset,
    byte AddressSize,
    byte OffsetSize,
    ulong Signature,
    ulong TypeOffset)
{
    /// <summary>Bytes that hold any unit header: 64-bit length, version, type, address size, abbreviations, signature, type offset.</summary>
    public const int MaxSize = 12 + 2 + 2 + 8 + 8 + 8;

    /// <summary>Largest unit we take, in bytes: a whole kernel in one unit (LTO) is far below it.</summary>
    public const int MaxUnitLength = 0x7fff_0000;

    /// <summary>DW_AT_str_offsets_base: where DW_FORM_strx counts from, in <c>.debug_str_offsets</c>. Known once the unit's DIE is read.</summary>
    public ulong StrOffsetsBase { get; init; }

    /// <summary>DW_AT_addr_base: where DW_FORM_addrx counts from, in <c>.debug_addr</c>.</summary>
    public ulong AddrBase { get; init; }

    /// <summary>DW_AT_loclists_base: where DW_FORM_loclistx counts from, in <c>.debug_loclists</c>.</summary>
    public ulong LoclistsBase { get; init; }

    /// <param name="bytes">From the start of the unit; <see cref="MaxSize"/> are enough.</param>
    /// <param name="offset">Of the unit in the space of all units.</param>
    /// <param name="sectionLeft">Bytes from there to the end of its section.</param>
    public static UnitHeader Parse(ReadOnlySpan<byte> bytes, UnitSpace space, long offset, long sectionLeft, EndianReader endian)
    {
        var reader = new DwarfReader(bytes, ".debug_info", offset, endian);
        ulong length = reader.U32();
        byte offsetSize = 4;
        if (length == 0xffff_ffff)
        {
            length = reader.U64();
            offsetSize = 8;
        }
        else if (length >= 0xffff_fff0)
        {
            throw reader.Error("reserved unit length", length);
        }
        var lengthSize = reader.Position;
        if (length > (ulong)(sectionLeft - lengthSize) || length > MaxUnitLength)
            throw reader.Error("unit reaches past the end of the section", length);

        var version = reader.U16();
        if (version is < 2 or > 5)
            throw reader.Error("unknown DWARF version", version);
        var type = space == UnitSpace.Types ? UnitType.Type : UnitType.Compile;
        byte addressSize;
        ulong abbrevOffset;
        if (version >= 5)
        {
            type = (UnitType)reader.U8();
            addressSize = reader.U8();
            abbrevOffset = reader.Word(offsetSize);
        }
        else
        {
            abbrevOffset = reader.Word(offsetSize);
            addressSize = reader.U8();
        }
        ulong signature = 0, typeOffset = 0;
        if (type is UnitType.Type or UnitType.SplitType)
            (signature, typeOffset) = (reader.U64(), reader.Word(offsetSize));
        else if (type is UnitType.Skeleton or UnitType.SplitCompile)
            reader.Skip(8);
        if (addressSize is not (2 or 4 or 8))
            throw reader.Error("unsupported address size", addressSize);
        if (abbrevOffset > long.MaxValue)
            throw reader.Error("abbreviation offset out of range", abbrevOffset);
        if (reader.Position > lengthSize + (int)length)
            throw reader.Error("unit shorter than its header", length);
        return new UnitHeader(space, offset, lengthSize + (int)length, reader.Position, version, type, (long)abbrevOffset, addressSize, offsetSize, signature, typeOffset);
    }
}
