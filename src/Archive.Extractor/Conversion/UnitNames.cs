using Archive.Extractor.Dwarf;

namespace Archive.Extractor.Conversion;

/// <summary>The text of names, wherever DWARF keeps it.</summary>
internal readonly ref struct UnitNames(DebugSections sections, ReadOnlySpan<byte> unit, long unitOffset)
{
    private readonly ReadOnlySpan<byte> _unit = unit;

    /// <exception cref="DwarfFormatException">The offset is outside its section, or the string does not end in it.</exception>
    public ReadOnlySpan<byte> TextOf(NameRef name)
    {
        if (name.IsNone)
            return default;
        var bytes = name.Section switch
        {
            NameRef.DebugStr => sections.Str,
            NameRef.DebugLineStr => sections.LineStr,
            _ => _unit,
        };
        if (name.Offset >= (ulong)bytes.Length)
            throw Error(name, "string offset past the section");
        var rest = bytes[(int)name.Offset..];
        var end = rest.IndexOf((byte)0);
        return end >= 0 ? rest[..end] : throw Error(name, "string not terminated");
    }

    private DwarfFormatException Error(NameRef name, string problem)
    {
        var section = name.Section switch
        {
            NameRef.DebugStr => ".debug_str",
            NameRef.DebugLineStr => ".debug_line_str",
            _ => ".debug_info",
        };
        return new DwarfFormatException(section, (long)name.Offset, null, $"{problem}, in the unit at 0x{unitOffset:x}");
    }

    /// <summary>0 for no name and for the empty one.</summary>
    public ulong HashOf(NameRef name)
    {
        var text = TextOf(name);
        return text.IsEmpty ? 0 : Hash64.Of(text);
    }
}
