using Btf;
using Btf.Elf;

namespace Archive.Extractor.Dwarf;

/// <summary>
/// The debug sections of one image. <c>.debug_info</c> is read unit by unit from the file, the small ones are held in memory:
/// a kernel's peak memory is then far below the size of its DWARF.
/// </summary>
internal sealed class DebugSections
{
    private readonly ElfImage _image;
    private readonly ElfSection _info;

    /// <summary>Set where the section has to be decompressed or relocated first.</summary>
    private readonly byte[]? _wholeInfo;

    public DebugSections(ElfImage image)
    {
        _image = image;
        _info = image.Find(".debug_info") is { HasBytes: true } info ? info : throw Missing(image);
        Refuse(image, ".gnu_debugaltlink", "DWARF compressed with dwz against a supplementary file");
        Abbrev = ReadWhole(".debug_abbrev") ?? throw new ElfFormatException(".debug_abbrev", 0, null, "section missing beside .debug_info");
        Str = ReadWhole(".debug_str") ?? [];
        LineStr = ReadWhole(".debug_line_str") ?? [];
        Loclists = ReadWhole(".debug_loclists") ?? [];
        Loc = ReadWhole(".debug_loc") ?? [];
        if (image.Type == ElfType.Relocatable || _info.Flags.HasFlag(ElfSectionFlags.Compressed))
            _wholeInfo = ReadWhole(".debug_info");
    }

    public EndianReader Endian => _image.Endian;

    /// <summary>Bytes of <c>.debug_info</c>.</summary>
    public long InfoLength => _wholeInfo?.Length ?? _info.Size;

    public byte[] Abbrev { get; }

    public byte[] Str { get; }

    public byte[] LineStr { get; }

    /// <summary><c>.debug_loclists</c>, DWARF 5 location lists.</summary>
    public byte[] Loclists { get; }

    /// <summary><c>.debug_loc</c>, location lists up to DWARF 4.</summary>
    public byte[] Loc { get; }

    /// <summary>Part of <c>.debug_info</c>: a slice where it is in memory, else read into the buffer, which grows as needed. Safe from several threads with a buffer each.</summary>
    public ReadOnlySpan<byte> Info(long offset, int length, ref byte[] buffer)
    {
        if (_wholeInfo is not null)
            return _wholeInfo.AsSpan((int)offset, length);
        if (buffer.Length < length)
            buffer = GC.AllocateUninitializedArray<byte>(Math.Max(length, Math.Min(buffer.Length * 2, UnitHeader.MaxUnitLength)));
        _image.Read(_info, offset, buffer.AsSpan(0, length));
        return buffer.AsSpan(0, length);
    }

    /// <summary>The headers of all units, in the order of the section.</summary>
    public List<UnitHeader> ReadUnitHeaders()
    {
        var units = new List<UnitHeader>();
        var buffer = Array.Empty<byte>();
        for (long offset = 0; offset < InfoLength;)
        {
            var header = UnitHeader.Parse(Info(offset, (int)Math.Min(UnitHeader.MaxSize, InfoLength - offset), ref buffer), offset, InfoLength, Endian);
            units.Add(header);
            offset += header.Length;
        }
        return units;
    }

    private byte[]? ReadWhole(string name)
    {
        if (_image.Find(name) is not { HasBytes: true } section)
            return null;
        var bytes = _image.Read(section);
        if (_image.Type == ElfType.Relocatable)
            Relocations.Apply(_image, section, bytes);
        return bytes;
    }

    private static void Refuse(ElfImage image, string section, string what)
    {
        if (image.Find(section) is not null)
            throw new UnsupportedImageException($"{what} ({section})");
    }

    private static Exception Missing(ElfImage image) => image.Find(".zdebug_info") is not null
        ? new UnsupportedImageException("DWARF in .zdebug sections (compressed the GNU way)")
        : new NoDebugInfoException("the image has no .debug_info section");
}
