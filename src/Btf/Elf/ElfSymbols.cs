namespace Btf.Elf;

/// <summary>One entry of a symbol table. The section is st_shndx (extended indexes are not resolved: no kernel symbol that we look for has one).</summary>
public readonly record struct ElfSymbol(uint NameOffset, ElfSymbolType Type, byte Binding, ushort SectionIndex, ulong Value, ulong Size);

/// <summary>The static symbol table (<c>.symtab</c>) with its strings.</summary>
public sealed class ElfSymbols
{
    private readonly byte[] _entries;
    private readonly byte[] _strings;
    private readonly EndianReader _endian;
    private readonly bool _is64;
    private readonly int _entrySize;

    private ElfSymbols(byte[] entries, byte[] strings, EndianReader endian, bool is64)
    {
        _entries = entries;
        _strings = strings;
        _endian = endian;
        _is64 = is64;
        _entrySize = is64 ? 24 : 16;
        Count = entries.Length / _entrySize;
    }

    public int Count { get; }

    /// <summary>Elf64_Sym and Elf32_Sym order their fields differently (gABI, Symbol Table).</summary>
    public ElfSymbol this[int index]
    {
        get
        {
            var e = _entries.AsSpan(index * _entrySize, _entrySize);
            var info = e[_is64 ? 4 : 12];
            return new ElfSymbol(
                _endian.U32(e),
                (ElfSymbolType)(info & 0xf),
                (byte)(info >> 4),
                _endian.U16(e[(_is64 ? 6 : 14)..]),
                _endian.Word(e[(_is64 ? 8 : 4)..], _is64),
                _endian.Word(e[(_is64 ? 16 : 8)..], _is64));
        }
    }

    /// <summary>The table of the image, or null where it is stripped.</summary>
    public static ElfSymbols? Read(ElfImage image)
    {
        var table = image.Sections.FirstOrDefault(s => s.Type == ElfSectionType.SymTab && s.HasBytes);
        if (table is null)
            return null;
        if (table.Link <= 0 || table.Link >= image.Sections.Count)
            throw new ElfFormatException(table.Name, 0, (ulong)table.Link, "symbol table without strings");
        return new ElfSymbols(image.Read(table), image.Read(image.Sections[table.Link]), image.Endian, image.Is64);
    }

    public ReadOnlySpan<byte> NameOf(ElfSymbol symbol) => ElfImage.BytesAt(".strtab", _strings, symbol.NameOffset);
}
