using Btf.Elf;

namespace Fuzz.Building;

/// <summary>A symbol of an image that is built.</summary>
/// <param name="Section">st_shndx.</param>
internal sealed record BuiltSymbol(string Name, ElfSymbolType Type, ushort Section, ulong Value, ulong Size = 0);

/// <summary>Makes an ELF image of sections: header, contents in order, section table at the end.</summary>
internal sealed class ElfBuilder(ElfMachine machine, bool is64, bool bigEndian, ElfType type = ElfType.Executable)
{
    private sealed record Section(string Name, ElfSectionType Type, byte[] Content, ulong Address, ulong Flags, int Link, int EntrySize);

    private readonly List<Section> _sections = [new("", ElfSectionType.Null, [], 0, 0, 0, 0)];

    public bool BigEndian => bigEndian;

    public bool Is64 => is64;

    /// <summary>Bytes of an address.</summary>
    public int WordBytes => is64 ? 8 : 4;

    /// <returns>The section's index.</returns>
    public int Add(string name, byte[] content, ElfSectionType sectionType = ElfSectionType.ProgBits, ulong address = 0, ulong flags = 0, int link = 0, int entrySize = 0)
    {
        _sections.Add(new(name, sectionType, content, address, flags, link, entrySize));
        return _sections.Count - 1;
    }

    /// <summary>Adds <c>.symtab</c> and <c>.strtab</c>.</summary>
    public void AddSymbols(IReadOnlyList<BuiltSymbol> symbols)
    {
        var names = new ByteOrderWriter(bigEndian);
        names.Text("");
        var entries = new ByteOrderWriter(bigEndian);
        entries.Raw(new byte[is64 ? 24 : 16]);
        foreach (var symbol in symbols)
        {
            Write(entries, symbol, (uint)names.Length);
            names.Text(symbol.Name);
        }
        Add(".symtab", entries.ToArray(), ElfSectionType.SymTab, link: _sections.Count + 1, entrySize: is64 ? 24 : 16);
        Add(".strtab", names.ToArray(), ElfSectionType.StrTab);
    }

    public byte[] Build()
    {
        var names = new ByteOrderWriter(bigEndian);
        var nameOffsets = new List<int>();
        Add(".shstrtab", [], ElfSectionType.StrTab);
        foreach (var section in _sections)
        {
            nameOffsets.Add(names.Length);
            names.Text(section.Name);
        }
        _sections[^1] = _sections[^1] with { Content = names.ToArray() };
        var image = new ByteOrderWriter(bigEndian);
        var headerBytes = is64 ? 64 : 52;
        WriteHeader(image, headerBytes + _sections.Sum(section => section.Content.Length), headerBytes);
        foreach (var section in _sections)
            image.Raw(section.Content);
        var offset = headerBytes;
        for (var i = 0; i < _sections.Count; offset += _sections[i++].Content.Length)
            WriteSectionHeader(image, _sections[i], nameOffsets[i], offset);
        return image.ToArray();
    }

    private void Write(ByteOrderWriter entries, BuiltSymbol symbol, uint name)
    {
        entries.Number(name, 4);
        if (!is64)
        {
            entries.Number(symbol.Value, 4);
            entries.Number(symbol.Size, 4);
        }
        entries.Number(0x10u | (byte)symbol.Type, 1);
        entries.Number(0, 1);
        entries.Number(symbol.Section, 2);
        if (is64)
        {
            entries.Number(symbol.Value, 8);
            entries.Number(symbol.Size, 8);
        }
    }

    private void WriteHeader(ByteOrderWriter image, int sectionTable, int headerBytes)
    {
        image.Raw([0x7f, (byte)'E', (byte)'L', (byte)'F', (byte)(is64 ? 2 : 1), (byte)(bigEndian ? 2 : 1), 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        image.Number((ulong)type, 2);
        image.Number((ulong)machine, 2);
        image.Number(1, 4);
        image.Number(0, WordBytes);
        image.Number(0, WordBytes);
        image.Number((ulong)sectionTable, WordBytes);
        image.Number(0, 4);
        image.Number((ulong)headerBytes, 2);
        image.Number(0, 2);
        image.Number(0, 2);
        image.Number(is64 ? 64u : 40u, 2);
        image.Number((ulong)_sections.Count, 2);
        image.Number((ulong)_sections.Count - 1, 2);
    }

    private void WriteSectionHeader(ByteOrderWriter image, Section section, int name, int offset)
    {
        image.Number((ulong)name, 4);
        image.Number((ulong)section.Type, 4);
        image.Number(section.Flags, WordBytes);
        image.Number(section.Address, WordBytes);
        image.Number((ulong)offset, WordBytes);
        image.Number((ulong)section.Content.Length, WordBytes);
        image.Number((ulong)section.Link, 4);
        image.Number(0, 4);
        image.Number(1, WordBytes);
        image.Number((ulong)section.EntrySize, WordBytes);
    }
}
