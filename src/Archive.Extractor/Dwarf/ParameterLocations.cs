using Btf.Elf;

namespace Archive.Extractor.Dwarf;

/// <summary>
/// Finds the register in which a parameter arrives, from its DW_AT_location: the first entry of its location list, or an
/// entry value anywhere in it. This tells whether the compiler kept the calling convention that the prototype promises.
/// </summary>
internal sealed class ParameterLocations(DebugSections sections, ElfMachine machine)
{
    /// <summary>Bytes of a location list that are read at first; longer ones are read again, whole.</summary>
    private const int UsualList = 4 << 10;

    private readonly SectionWindow _loclists = sections.OpenLocations(".debug_loclists");
    private readonly SectionWindow _loc = sections.OpenLocations(".debug_loc");

    /// <summary>DWARF numbers of the registers that carry the first arguments (processor supplements of each architecture).</summary>
    private static readonly byte[] X8664 = [5, 4, 1, 2, 8, 9], AArch64 = [0, 1, 2, 3, 4, 5, 6, 7], S390 = [2, 3, 4, 5, 6];

    /// <summary>Number of arguments passed in registers; 0 where we do not know the convention.</summary>
    public int RegisterCount { get; } = machine switch
    {
        ElfMachine.S390 => 5,
        ElfMachine.X8664 => 6,
        ElfMachine.AArch64 or ElfMachine.Arm or ElfMachine.Mips or ElfMachine.Ppc or ElfMachine.Ppc64 or ElfMachine.RiscV => 8,
        _ => 0,
    };

    /// <summary>Aggregates of up to two words travel in two registers.</summary>
    public bool PairsForAggregates { get; } = machine != ElfMachine.S390;

    /// <summary>The register of argument n, or -1 where the convention is not tabulated.</summary>
    public int ExpectedRegister(int argument)
    {
        var table = machine switch
        {
            ElfMachine.X8664 => X8664,
            ElfMachine.AArch64 or ElfMachine.Arm => AArch64,
            ElfMachine.S390 => S390,
            _ => null,
        };
        return table is not null && argument < table.Length ? table[argument] : -1;
    }

    /// <summary>The register at the entry plus one, or 0 where the location does not tell.</summary>
    public byte EntryRegister(in ParameterDie parameter, ulong typeSize, in UnitHeader unit, ReadOnlySpan<byte> unitBytes)
    {
        if (parameter.LocationForm is DwForm.Exprloc or DwForm.Block or DwForm.Block1 or DwForm.Block2 or DwForm.Block4)
        {
            var at = (int)(parameter.Location >> 32);
            return RegisterIn(unitBytes.Slice(at, (int)(uint)parameter.Location), ".debug_info", unit, first: true, typeSize);
        }
        if (parameter.LocationForm == DwForm.Loclistx)
            return FromLoclists(ListAt(unit, parameter.Location), typeSize, unit);
        return unit.Version >= 5
            ? FromLoclists(parameter.Location, typeSize, unit)
            : FromLoc(parameter.Location, typeSize, unit);
    }

    /// <summary>DW_FORM_loclistx: the table of offsets at the base, each relative to it (DWARF 5 §7.29).</summary>
    private ulong ListAt(in UnitHeader unit, ulong index)
    {
        var at = unit.LoclistsBase + index * unit.OffsetSize;
        if (index > int.MaxValue || at > (ulong)Math.Max(0, _loclists.Length - unit.OffsetSize))
            throw new DwarfFormatException(".debug_loclists", unit.Offset, index, "location list index past the section");
        return unit.LoclistsBase + sections.Endian.Word(_loclists.From((long)at, unit.OffsetSize), unit.OffsetSize == 8);
    }

    /// <summary>DWARF 5 §7.7.3: entries of a kind byte, operands, and a counted expression.</summary>
    private byte FromLoclists(ulong offset, ulong typeSize, in UnitHeader unit)
    {
        if (offset >= (ulong)_loclists.Length)
            return 0;
        var bytes = _loclists.From((long)offset, UsualList);
        try
        {
            return FromLoclists(new DwarfReader(bytes, ".debug_loclists", (long)offset, sections.Endian), typeSize, unit);
        }
        catch (DwarfFormatException) when (bytes.Length < Rest(_loclists, offset))
        {
            return FromLoclists(new DwarfReader(_loclists.From((long)offset, Rest(_loclists, offset)), ".debug_loclists", (long)offset, sections.Endian), typeSize, unit);
        }
    }

    private static int Rest(SectionWindow section, ulong offset) => (int)Math.Min(section.Length - (long)offset, int.MaxValue >> 1);

    private byte FromLoclists(DwarfReader reader, ulong typeSize, in UnitHeader unit)
    {
        var first = true;
        while (true)
        {
            switch (reader.U8())
            {
                case 0: // end_of_list
                    return 0;
                case 1: // base_addressx
                    reader.Uleb();
                    continue;
                case 2 or 3 or 4: // startx_endx, startx_length, offset_pair
                    reader.Uleb();
                    reader.Uleb();
                    break;
                case 5: // default_location
                    break;
                case 6: // base_address
                    reader.Skip(unit.AddressSize);
                    continue;
                case 7: // start_end
                    reader.Skip(2UL * unit.AddressSize);
                    break;
                case 8: // start_length
                    reader.Skip(unit.AddressSize);
                    reader.Uleb();
                    break;
                case var kind:
                    throw reader.Error("unknown kind of location list entry", kind);
            }
            var register = RegisterIn(reader.Block(reader.Uleb()), ".debug_loclists", unit, first, typeSize);
            if (register != 0)
                return register;
            first = false;
        }
    }

    /// <summary>DWARF 4 §7.7.3: pairs of addresses, a base entry where the first is all ones, the end where both are zero.</summary>
    private byte FromLoc(ulong offset, ulong typeSize, in UnitHeader unit)
    {
        if (offset >= (ulong)_loc.Length)
            return 0;
        var bytes = _loc.From((long)offset, UsualList);
        try
        {
            return FromLoc(new DwarfReader(bytes, ".debug_loc", (long)offset, sections.Endian), typeSize, unit);
        }
        catch (DwarfFormatException) when (bytes.Length < Rest(_loc, offset))
        {
            return FromLoc(new DwarfReader(_loc.From((long)offset, Rest(_loc, offset)), ".debug_loc", (long)offset, sections.Endian), typeSize, unit);
        }
    }

    private byte FromLoc(DwarfReader reader, ulong typeSize, in UnitHeader unit)
    {
        var allOnes = unit.AddressSize == 8 ? ulong.MaxValue : uint.MaxValue;
        var first = true;
        while (true)
        {
            var begin = reader.Word(unit.AddressSize);
            var end = reader.Word(unit.AddressSize);
            if (begin == 0 && end == 0)
                return 0;
            if (begin == allOnes)
                continue;
            var register = RegisterIn(reader.Block(reader.U16()), ".debug_loc", unit, first, typeSize);
            if (register != 0)
                return register;
            first = false;
        }
    }

    private byte RegisterIn(ReadOnlySpan<byte> expression, string section, in UnitHeader unit, bool first, ulong typeSize)
    {
        if (expression.IsEmpty)
            return 0;
        var op = expression[0];
        if (op is DwOp.EntryValue or DwOp.GnuEntryValue)
            return EntryValueRegister(expression, section);
        var wide = typeSize > unit.AddressSize && PairsForAggregates;
        if (op is >= DwOp.Reg0 and <= DwOp.Reg31)
            return expression.Length == 1 ? (first ? RegisterOf(op) : (byte)0) : (first || wide ? RegisterOf(op) : (byte)0);
        if (op is >= DwOp.Breg0 and <= DwOp.Breg31 && first && !(wide && expression.Contains(DwOp.Piece)))
            return expression[^1] == DwOp.StackValue ? (byte)(op - DwOp.Breg0 + 1) : (byte)0;
        return 0;
    }

    private static byte RegisterOf(byte op) => (byte)(op - DwOp.Reg0 + 1);

    /// <summary>DW_OP_entry_value of one register, optionally followed by DW_OP_stack_value alone.</summary>
    private byte EntryValueRegister(ReadOnlySpan<byte> expression, string section)
    {
        var reader = new DwarfReader(expression, section, 0, sections.Endian) { Position = 1 };
        var inner = reader.Block(reader.Uleb());
        var rest = expression[reader.Position..];
        var alone = rest.IsEmpty || (rest.Length == 1 && rest[0] == DwOp.StackValue);
        return alone && inner.Length == 1 && inner[0] is >= DwOp.Reg0 and <= DwOp.Reg31 ? RegisterOf(inner[0]) : (byte)0;
    }
}
