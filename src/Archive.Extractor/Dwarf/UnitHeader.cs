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

/// <summary>Header of one unit in <c>.debug_info</c> (DWARF 5 §7.5.1; DWARF 2 to 4 §7.5.1.1).</summary>
/// <param name="Offset">Of the unit in the section, in bytes.</param>
/// <param name="Length">Whole unit with its header, in bytes.</param>
/// <param name="HeaderSize">Bytes before the first DIE.</param>
/// <param name="OffsetSize">4 for 32-bit DWARF, 8 for 64-bit DWARF.</param>
internal readonly record struct UnitHeader(
    long Offset,
    int Length,
    int HeaderSize,
    ushort Version,
    UnitType Type,
    long AbbrevOffset,
    byte AddressSize,
    byte OffsetSize)
{
    /// <summary>Bytes that hold any unit header: 64-bit length, version, type, address size, abbreviations, signature, type offset.</summary>
    public const int MaxSize = 12 + 2 + 2 + 8 + 8 + 8;

    /// <summary>Largest unit we take, in bytes: a whole kernel in one unit (LTO) is far below it.</summary>
    public const int MaxUnitLength = 0x7fff_0000;

    public static UnitHeader Parse(ReadOnlySpan<byte> bytes, long offset, long sectionLength, EndianReader endian)
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
        if (length > (ulong)(sectionLength - offset - lengthSize) || length > MaxUnitLength)
            throw reader.Error("unit reaches past the end of the section", length);

        var version = reader.U16();
        if (version is < 2 or > 5)
            throw reader.Error("unknown DWARF version", version);
        var type = UnitType.Compile;
        byte addressSize;
        ulong abbrevOffset;
        if (version >= 5)
        {
            type = (UnitType)reader.U8();
            addressSize = reader.U8();
            abbrevOffset = reader.Word(offsetSize);
            reader.Skip(type switch
            {
                UnitType.Type or UnitType.SplitType => 8UL + offsetSize,
                UnitType.Skeleton or UnitType.SplitCompile => 8,
                _ => 0,
            });
        }
        else
        {
            abbrevOffset = reader.Word(offsetSize);
            addressSize = reader.U8();
        }
        if (addressSize is not (2 or 4 or 8))
            throw reader.Error("unsupported address size", addressSize);
        if (abbrevOffset > long.MaxValue)
            throw reader.Error("abbreviation offset out of range", abbrevOffset);
        if (reader.Position > lengthSize + (int)length)
            throw reader.Error("unit shorter than its header", length);
        return new UnitHeader(offset, lengthSize + (int)length, reader.Position, version, type, (long)abbrevOffset, addressSize, offsetSize);
    }
}
