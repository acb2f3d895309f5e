using System.Runtime.CompilerServices;

namespace Archive.Extractor.Dwarf;

/// <summary>Reads the attributes of one DIE after another by the steps of its abbreviation (DWARF 5 §7.5.4 to §7.5.6).</summary>
internal static class DieReader
{
    public static void Read(ref DwarfReader reader, in Abbrev abbrev, AbbrevTable table, in UnitHeader unit, DieAttributes into)
    {
        into.Clear();
        foreach (ref readonly var step in table.Steps(abbrev))
        {
            reader.Skip((ulong)step.SkipBefore);
            if (step.Slot == Slot.None)
                SkipForm(ref reader, step.Form, unit);
            else
                Capture(ref reader, step, unit, into);
        }
        reader.Skip((ulong)abbrev.SkipAfter);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Capture(ref DwarfReader reader, in AttributeStep step, in UnitHeader unit, DieAttributes into)
    {
        switch (step.Form)
        {
            case DwForm.Strp:
                into.Set(step.Slot, step.Form, NameRef.DebugStr | reader.Word(unit.OffsetSize));
                break;
            case DwForm.Ref4:
                into.Set(step.Slot, step.Form, reader.U32());
                break;
            case DwForm.Data1 or DwForm.Flag or DwForm.Ref1:
                into.Set(step.Slot, step.Form, reader.U8());
                break;
            case DwForm.ImplicitConst:
                into.Set(step.Slot, step.Form, (ulong)step.Constant);
                break;
            case DwForm.FlagPresent:
                into.Set(step.Slot, step.Form, 1);
                break;
            case DwForm.String:
                into.Set(step.Slot, step.Form, NameRef.Inline | (uint)reader.Position);
                reader.SkipString();
                break;
            case DwForm.Data2 or DwForm.Ref2:
                into.Set(step.Slot, step.Form, reader.U16());
                break;
            default:
                CaptureRare(ref reader, step.Form, step.Slot, unit, into);
                break;
        }
    }

    private static void CaptureRare(ref DwarfReader reader, DwForm form, Slot slot, in UnitHeader unit, DieAttributes into)
    {
        switch (form)
        {
            case DwForm.LineStrp:
                into.Set(slot, form, NameRef.DebugLineStr | reader.Word(unit.OffsetSize));
                break;
            case DwForm.Data4:
                into.Set(slot, form, reader.U32());
                break;
            case DwForm.Data8 or DwForm.Ref8:
                into.Set(slot, form, reader.U64());
                break;
            case DwForm.Udata or DwForm.RefUdata or DwForm.Loclistx:
                into.Set(slot, form, reader.Uleb());
                break;
            case DwForm.Sdata:
                into.Set(slot, form, (ulong)reader.Sleb());
                break;
            case DwForm.Addr:
                into.Set(slot, form, reader.Word(unit.AddressSize));
                break;
            case DwForm.SecOffset:
                into.Set(slot, form, reader.Word(unit.OffsetSize));
                break;
            case DwForm.Exprloc or DwForm.Block or DwForm.Block1 or DwForm.Block2 or DwForm.Block4:
                var length = BlockLength(ref reader, form);
                into.Set(slot, form, (ulong)reader.Position << 32 | length);
                reader.Skip(length);
                break;
            case DwForm.RefAddr:
                into.Set(slot, form, WithinUnit(ref reader, unit));
                break;
            case DwForm.Indirect:
                CaptureIndirect(ref reader, slot, unit, into);
                break;
            default:
                Refuse(ref reader, form, slot);
                SkipForm(ref reader, form, unit);
                break;
        }
    }

    /// <summary>DW_FORM_indirect names the form in the data; it cannot name itself or implicit_const (DWARF 5 §7.5.3).</summary>
    private static void CaptureIndirect(ref DwarfReader reader, Slot slot, in UnitHeader unit, DieAttributes into)
    {
        var form = IndirectForm(ref reader);
        Capture(ref reader, new AttributeStep(0, form, slot, 0), unit, into);
    }

    private static DwForm IndirectForm(ref DwarfReader reader)
    {
        var form = reader.Uleb();
        if (form > ushort.MaxValue || (DwForm)form is DwForm.Indirect or DwForm.ImplicitConst)
            throw reader.Error("form not allowed behind DW_FORM_indirect", form);
        return (DwForm)form;
    }

    /// <summary>DW_FORM_ref_addr counts from the start of the section. We read references inside the unit.</summary>
    private static ulong WithinUnit(ref DwarfReader reader, in UnitHeader unit)
    {
        var target = reader.Word(unit.Version <= 2 ? unit.AddressSize : unit.OffsetSize);
        if (target < (ulong)unit.Offset || target >= (ulong)(unit.Offset + unit.Length))
            throw new UnsupportedImageException($"DW_FORM_ref_addr from the unit at 0x{unit.Offset:x} to another unit, at 0x{target:x} (LTO or dwz output)");
        return target - (ulong)unit.Offset;
    }

    /// <summary>Names and references in forms that point out of the sections we read: taken as absent where that loses nothing, refused where types would be lost.</summary>
    private static void Refuse(ref DwarfReader reader, DwForm form, Slot slot)
    {
        if (slot is Slot.Name or Slot.Type or Slot.AbstractOrigin or Slot.Specification)
            throw new UnsupportedImageException($"{slot} in DW_FORM 0x{(int)form:x} (split, supplementary or indexed DWARF)");
    }

    private static ulong BlockLength(ref DwarfReader reader, DwForm form) => form switch
    {
        DwForm.Block1 => reader.U8(),
        DwForm.Block2 => reader.U16(),
        DwForm.Block4 => reader.U32(),
        _ => reader.Uleb(),
    };

    private static void SkipForm(ref DwarfReader reader, DwForm form, in UnitHeader unit)
    {
        switch (form)
        {
            case DwForm.FlagPresent or DwForm.ImplicitConst:
                break;
            case DwForm.Data1 or DwForm.Flag or DwForm.Ref1 or DwForm.Strx1 or DwForm.Addrx1:
                reader.Skip(1);
                break;
            case DwForm.Data2 or DwForm.Ref2 or DwForm.Strx2 or DwForm.Addrx2:
                reader.Skip(2);
                break;
            case DwForm.Strx3 or DwForm.Addrx3:
                reader.Skip(3);
                break;
            case DwForm.Data4 or DwForm.Ref4 or DwForm.Strx4 or DwForm.Addrx4 or DwForm.RefSup4:
                reader.Skip(4);
                break;
            case DwForm.Data8 or DwForm.Ref8 or DwForm.RefSig8 or DwForm.RefSup8:
                reader.Skip(8);
                break;
            case DwForm.Data16:
                reader.Skip(16);
                break;
            case DwForm.Addr:
                reader.Skip(unit.AddressSize);
                break;
            case DwForm.RefAddr:
                reader.Skip(unit.Version <= 2 ? unit.AddressSize : unit.OffsetSize);
                break;
            case DwForm.Strp or DwForm.LineStrp or DwForm.SecOffset or DwForm.StrpSup or DwForm.GnuRefAlt or DwForm.GnuStrpAlt:
                reader.Skip(unit.OffsetSize);
                break;
            case DwForm.Udata or DwForm.RefUdata or DwForm.Strx or DwForm.Addrx or DwForm.Loclistx or DwForm.Rnglistx or DwForm.Sdata:
                reader.Uleb();
                break;
            case DwForm.String:
                reader.SkipString();
                break;
            case DwForm.Exprloc or DwForm.Block or DwForm.Block1 or DwForm.Block2 or DwForm.Block4:
                reader.Skip(BlockLength(ref reader, form));
                break;
            case DwForm.Indirect:
                SkipForm(ref reader, IndirectForm(ref reader), unit);
                break;
            default:
                throw reader.Error("unknown form", (ulong)form);
        }
    }
}
