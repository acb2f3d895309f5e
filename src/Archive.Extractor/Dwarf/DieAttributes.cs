namespace Archive.Extractor.Dwarf;

/// <summary>
/// The captured attributes of the DIE that is being read; one object per worker, overwritten for each DIE.
/// A reference is an offset from the start of its unit; a block is kept by position and length in the unit.
/// </summary>
internal sealed class DieAttributes
{
    private readonly ulong[] _values = new ulong[(int)Slot.SlotCount];
    private readonly DwForm[] _forms = new DwForm[(int)Slot.SlotCount];
    private uint _present;

    public void Clear() => _present = 0;

    public bool Has(Slot slot) => (_present & 1u << (int)slot) != 0;

    public DwForm Form(Slot slot) => _forms[(int)slot];

    /// <summary>0 where the DIE has no such attribute.</summary>
    public ulong Value(Slot slot) => Has(slot) ? _values[(int)slot] : 0;

    public bool Flag(Slot slot) => Value(slot) != 0;

    public NameRef Name => new(Value(Slot.Name));

    /// <summary>Offset of the DIE that the attribute refers to, from the start of the unit; 0 for none.</summary>
    public uint Reference(Slot slot) => (uint)Value(slot);

    public bool IsBlock(Slot slot) => Has(slot)
        && _forms[(int)slot] is DwForm.Exprloc or DwForm.Block or DwForm.Block1 or DwForm.Block2 or DwForm.Block4;

    /// <summary>Position in the unit and length of a block attribute.</summary>
    public (int Position, int Length) Block(Slot slot)
    {
        var value = Value(slot);
        return ((int)(value >> 32), (int)(uint)value);
    }

    /// <summary>A constant: data1 to data8 are zero-extended, sdata and implicit_const sign-extended (as libdw reads them). 0 for another form.</summary>
    public ulong Constant(Slot slot) => Has(slot) && _forms[(int)slot] is DwForm.Data1 or DwForm.Data2 or DwForm.Data4 or DwForm.Data8
        or DwForm.Sdata or DwForm.Udata or DwForm.ImplicitConst ? _values[(int)slot] : 0;

    public void Set(Slot slot, DwForm form, ulong value)
    {
        _values[(int)slot] = value;
        _forms[(int)slot] = form;
        _present |= 1u << (int)slot;
    }
}

/// <summary>Where the bytes of a name are: 0 for none, else section in the two high bits and offset in the rest.</summary>
internal readonly record struct NameRef(ulong Value)
{
    public const ulong DebugStr = 1UL << 62;
    public const ulong DebugLineStr = 2UL << 62;

    /// <summary>In the unit itself (DW_FORM_string): offset from the start of the unit.</summary>
    public const ulong Inline = 3UL << 62;

    public bool IsNone => Value == 0;

    public ulong Section => Value & (3UL << 62);

    public ulong Offset => Value & ~(3UL << 62);
}
