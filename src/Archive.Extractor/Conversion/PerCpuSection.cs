using Archive.Extractor.Dwarf;
using Btf.Elf;

namespace Archive.Extractor.Conversion;

/// <summary>The section of per-CPU variables, and which variables belong in its DATASEC.</summary>
internal sealed class PerCpuSection
{
    public const string Name = ".data..percpu";

    /// <summary>Variables that macros make for their side effects on sections.</summary>
    private static readonly byte[][] GeneratedPrefixes =
        ["__UNIQUE_ID"u8.ToArray(), "__tpstrtab_"u8.ToArray(), "__exitcall_"u8.ToArray(), "__gendwarfksyms_ptr_"u8.ToArray(), "__func_stack_frame_non_standard_"u8.ToArray()];

    private readonly ElfSection _section;

    /// <summary>Names of the objects of the section, with their offsets.</summary>
    private readonly HashSet<(ulong Name, ulong Offset)> _objects = [];

    /// <summary>Every section of a relocatable image begins at address 0, so that an address alone tells nothing.</summary>
    private readonly bool _isRelocatable;

    private PerCpuSection(ElfSection section, ElfSymbols? symbols, bool isRelocatable)
    {
        (_section, _isRelocatable) = (section, isRelocatable);
        for (var i = 0; i < (symbols?.Count ?? 0); i++)
        {
            var symbol = symbols![i];
            if (symbol.Type == ElfSymbolType.Object && symbol.SectionIndex == section.Index)
                _objects.Add((Hash64.Of(symbols.NameOf(symbol)), symbol.Value - section.Address));
        }
    }

    public static PerCpuSection? Find(ElfImage image, ElfSymbols? symbols) =>
        image.Find(Name) is { Size: > 0 } section ? new PerCpuSection(section, symbols, image.Type == ElfType.Relocatable) : null;

    /// <summary>The variables of the unit that live in the section.</summary>
    public IReadOnlyList<VariableState> Collect(UnitDies dies, in UnitHeader unit, NameReader names, UnitEncoder encoder, ReadOnlySpan<byte> bytes, DebugSections sections)
    {
        List<VariableState>? found = null;
        Dictionary<uint, VariableDie>? byOffset = null;
        foreach (var variable in dies.Variables)
        {
            if (variable.Length == 0 || OffsetOf(variable, unit, bytes, sections) is not { } offset)
                continue;
            var declared = Declared(dies, variable, ref byOffset);
            if (Describe(declared, offset, names.TextOf(declared.Name, bytes, unit.Offset), names, encoder) is { } state)
                (found ??= []).Add(state);
        }
        return found ?? [];
    }

    /// <summary>Name and type may stand on the declaration that the variable completes.</summary>
    private static VariableDie Declared(UnitDies dies, VariableDie variable, ref Dictionary<uint, VariableDie>? byOffset)
    {
        if (variable.Specification == 0)
            return variable;
        if (byOffset is null)
        {
            byOffset = [];
            foreach (var other in dies.Variables)
                byOffset.TryAdd(other.Offset, other);
        }
        return byOffset.GetValueOrDefault(variable.Specification, variable);
    }

    /// <summary>DW_OP_addr or DW_OP_addrx, optionally followed by DW_OP_plus_uconst; null where the address is elsewhere.</summary>
    private ulong? OffsetOf(VariableDie variable, in UnitHeader unit, ReadOnlySpan<byte> bytes, DebugSections sections)
    {
        var reader = new DwarfReader(bytes.Slice(variable.Position, variable.Length), ".debug_info", unit.Offset + variable.Position, sections.Endian);
        ulong address;
        switch (reader.U8())
        {
            case DwOp.Addr:
                address = reader.Word(unit.AddressSize);
                break;
            case DwOp.Addrx:
                address = sections.AddressAt(unit, reader.Uleb());
                break;
            default:
                return null;
        }
        if (!reader.AtEnd && reader.U8() == DwOp.PlusUconst)
            address += reader.Uleb();
        var offset = address - _section.Address;
        return address >= _section.Address && offset < (ulong)_section.Size ? offset : null;
    }

    private VariableState? Describe(VariableDie variable, ulong offset, ReadOnlySpan<byte> text, NameReader names, UnitEncoder encoder)
    {
        if (text.IsEmpty || variable.TypeRef == 0 || IsGenerated(text) || (NeedsSymbol(offset) && !_objects.Contains((Hash64.Of(text), offset))))
            return null;
        var size = encoder.SizeAt(variable.TypeRef);
        return size is 0 or > uint.MaxValue
            ? null
            : new VariableState(names.Keep(text), encoder.KeyAt(variable.TypeRef), (uint)offset, (uint)size, variable.External);
    }

    /// <summary>The linker gives the variables that it discards the address 0 as well.</summary>
    private bool NeedsSymbol(ulong offset) => _isRelocatable || offset == 0;

    private static bool IsGenerated(ReadOnlySpan<byte> name)
    {
        foreach (var prefix in GeneratedPrefixes)
        {
            if (name.StartsWith(prefix))
                return true;
        }
        return false;
    }
}
