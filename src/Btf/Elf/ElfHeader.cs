namespace Btf.Elf;

/// <summary>The ELF header and the reading of the section table behind it.</summary>
internal readonly struct ElfHeader
{
    private readonly int _sectionHeaderSize;
    private readonly long _sectionCount;
    private readonly int _nameTableIndex;

    public ElfHeader(ByteSource source)
    {
        Span<byte> bytes = stackalloc byte[64];
        var available = (int)Math.Min(bytes.Length, source.Length);
        if (available < 52)
            throw new ElfFormatException("ELF header", 0, (ulong)source.Length, "file too short");
        source.Read(0, bytes[..available]);
        if (!bytes[..4].SequenceEqual("\u007fELF"u8))
            throw new ElfFormatException("ELF header", 0, System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes), "no ELF magic");
        Is64 = bytes[4] switch
        {
            1 => false,
            2 => true,
            _ => throw new ElfFormatException("ELF header", 4, bytes[4], "unknown class"),
        };
        Endian = bytes[5] switch
        {
            1 => new EndianReader(littleEndian: true),
            2 => new EndianReader(littleEndian: false),
            _ => throw new ElfFormatException("ELF header", 5, bytes[5], "unknown byte order"),
        };
        if (Is64 && available < 64)
            throw new ElfFormatException("ELF header", 0, (ulong)source.Length, "file too short");
        Type = (ElfType)Endian.U16(bytes[16..]);
        Machine = (ElfMachine)Endian.U16(bytes[18..]);
        SectionTableOffset = (long)Endian.Word(bytes[(Is64 ? 40 : 32)..], Is64);
        var tail = bytes[(Is64 ? 58 : 46)..];
        _sectionHeaderSize = Endian.U16(tail);
        _sectionCount = Endian.U16(tail[2..]);
        _nameTableIndex = Endian.U16(tail[4..]);
    }

    public bool Is64 { get; }

    public EndianReader Endian { get; }

    public ElfType Type { get; }

    public ElfMachine Machine { get; }

    /// <summary>0 where there is no table. A claim: <see cref="ReadSections"/> checks it.</summary>
    public long SectionTableOffset { get; }

    public ElfSection[] ReadSections(ByteSource source)
    {
        if (SectionTableOffset == 0)
            return [];
        var size = Is64 ? 64 : 40;
        if (_sectionHeaderSize != size)
            throw new ElfFormatException("ELF header", Is64 ? 58 : 46, (ulong)_sectionHeaderSize, "unexpected size of a section header");
        if (SectionTableOffset < 0 || SectionTableOffset > source.Length - size)
            throw new ElfFormatException("ELF header", Is64 ? 40 : 32, (ulong)SectionTableOffset, "section table past the end");

        // gABI: counts that do not fit the header's 16 bits stand in section 0.
        var first = new byte[size];
        source.Read(SectionTableOffset, first);
        var count = _sectionCount != 0 ? _sectionCount : (long)Endian.Word(first.AsSpan(Is64 ? 32 : 20), Is64);
        var names = _nameTableIndex != 0xffff ? _nameTableIndex : (int)Endian.U32(first.AsSpan(Is64 ? 40 : 24));
        if (count <= 0 || count > (source.Length - SectionTableOffset) / size || names < 0 || names >= count)
            throw new ElfFormatException("section table", SectionTableOffset, (ulong)count, "section table past the end");

        var table = new byte[count * size];
        source.Read(SectionTableOffset, table);
        var nameTable = ReadNameTable(source, table.AsSpan(names * size, size));
        var sections = new ElfSection[count];
        for (var i = 0; i < sections.Length; i++)
            sections[i] = ReadSection(i, table.AsSpan(i * size, size), nameTable, source.Length);
        return sections;
    }

    private byte[] ReadNameTable(ByteSource source, ReadOnlySpan<byte> header)
    {
        var section = ReadSection(0, header, [0], source.Length, nameless: true);
        if (!section.HasBytes || section.Size > 1 << 24)
            throw new ElfFormatException(".shstrtab", 0, (ulong)section.Size, "implausible table of section names");
        var bytes = new byte[section.Size];
        source.Read(section.Offset, bytes);
        return bytes;
    }

    private ElfSection ReadSection(int index, ReadOnlySpan<byte> header, ReadOnlySpan<byte> names, long fileLength, bool nameless = false)
    {
        var e = Endian;
        var w = Is64 ? 8 : 4;
        var name = nameless ? "" : ElfImage.StringAt(".shstrtab", names, e.U32(header));
        var type = (ElfSectionType)e.U32(header[4..]);
        var words = header[8..];
        var section = new ElfSection(
            index,
            name,
            type,
            (ElfSectionFlags)e.Word(words, Is64) | (SectionCompression.IsGnu(name) ? ElfSectionFlags.Compressed : ElfSectionFlags.None),
            e.Word(words[w..], Is64),
            (long)e.Word(words[(2 * w)..], Is64),
            (long)e.Word(words[(3 * w)..], Is64),
            (int)e.U32(words[(4 * w)..]),
            (int)e.U32(words[(4 * w + 4)..]),
            (long)e.Word(words[(5 * w + 8)..], Is64));
        if (section.HasBytes && (section.Offset < 0 || section.Size < 0 || section.Offset > fileLength - section.Size))
            throw new ElfFormatException(name.Length == 0 ? $"section {index}" : name, section.Offset, (ulong)section.Size, $"section reaches past the end of the file at {fileLength} bytes");
        return section;
    }
}
