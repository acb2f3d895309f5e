using Btf;
using Btf.Elf;

namespace Archive.Extractor.Dwarf;

/// <summary>
/// The debug sections of one image, and of the supplementary file that dwz may have made beside it. Units are read one by
/// one from the file, the small sections are held in memory: a kernel's peak memory is then far below the size of its DWARF.
/// <para>
/// All units share one space of offsets: those of <c>.debug_info</c>, behind them those of <c>.debug_types</c>, behind them
/// those of the supplementary <c>.debug_info</c>. An offset of that space names a DIE, 0 none.
/// </para>
/// </summary>
internal sealed class DebugSections
{
    /// <summary>A section of units.</summary>
    /// <param name="Start">Of the section in the space of all units.</param>
    /// <param name="Whole">Its bytes, where it had to be decompressed or relocated first.</param>
    private sealed record Segment(UnitSpace Space, ElfImage Image, ElfSection Section, byte[]? Whole, long Start)
    {
        public long Length => Whole?.Length ?? Section.Size;
    }

    private readonly ElfImage _image;
    private readonly List<Segment> _segments = [];
    private readonly Dictionary<ulong, uint> _signatures = [];
    private ElfSection? _lines;
    private byte[]? _wholeLines;
    private readonly byte[] _strOffsets;
    private readonly byte[] _addr;
    private readonly byte[] _supplementaryAbbrev = [];

    /// <param name="supplementary">The file that <c>.gnu_debugaltlink</c> or <c>.debug_sup</c> names; null where it is not at hand.</param>
    /// <exception cref="NoDebugInfoException">No <c>.debug_info</c>.</exception>
    /// <exception cref="UnsupportedImageException">More than 4 GiB of units.</exception>
    public DebugSections(ElfImage image, ElfImage? supplementary)
    {
        _image = image;
        AddSegment(UnitSpace.Info, image, ".debug_info");
        if (_segments.Count == 0)
            throw new NoDebugInfoException("the image has no .debug_info section");
        AddSegment(UnitSpace.Types, image, ".debug_types");
        Abbrev = ReadWhole(image, ".debug_abbrev") ?? throw new ElfFormatException(".debug_abbrev", 0, null, "section missing beside .debug_info");
        Str = ReadWhole(image, ".debug_str") ?? [];
        LineStr = ReadWhole(image, ".debug_line_str") ?? [];
        _strOffsets = ReadWhole(image, ".debug_str_offsets") ?? [];
        _addr = ReadWhole(image, ".debug_addr") ?? [];
        if (supplementary is not null)
        {
            AddSegment(UnitSpace.Supplementary, supplementary, ".debug_info");
            _supplementaryAbbrev = ReadWhole(supplementary, ".debug_abbrev") ?? [];
            SupplementaryStr = ReadWhole(supplementary, ".debug_str") ?? [];
        }
        if (_segments[^1].Start + _segments[^1].Length > uint.MaxValue)
            throw new UnsupportedImageException($"{_segments[^1].Start + _segments[^1].Length} bytes of DWARF units, more than 4 GiB");
        Units = ReadUnitHeaders();
    }

    public EndianReader Endian => _image.Endian;

    /// <summary>Bytes of <c>.debug_line</c> from an offset on, as many as there are up to a length; none for a unit of the supplementary file, whose lines are elsewhere.</summary>
    public byte[] ReadLines(in UnitHeader unit, ulong offset, int length)
    {
        if (unit.Space == UnitSpace.Supplementary || (_lines ??= _image.Find(".debug_line")) is not { HasBytes: true } section || offset >= (ulong)section.Size)
            return [];
        if (IsReadWhole(_image, section))
        {
            var whole = _wholeLines ??= ReadWhole(_image, section.Name)!;
            return offset < (ulong)whole.Length ? whole.AsSpan((int)offset, (int)Math.Min(length, whole.Length - (long)offset)).ToArray() : [];
        }
        var bytes = new byte[Math.Min(length, section.Size - (long)offset)];
        _image.Read(section, (long)offset, bytes);
        return bytes;
    }

    /// <summary>The headers of all units, in the order of their space.</summary>
    public List<UnitHeader> Units { get; }

    public byte[] Abbrev { get; }

    public byte[] Str { get; }

    public byte[] LineStr { get; }

    public byte[] SupplementaryStr { get; } = [];

    /// <summary>A window on location lists: <c>.debug_loclists</c> (DWARF 5) or <c>.debug_loc</c> (up to DWARF 4).</summary>
    public SectionWindow OpenLocations(string section)
    {
        var found = _image.Find(section) is { HasBytes: true } there ? there : null;
        return new SectionWindow(_image, found, found is not null && IsReadWhole(_image, found) ? ReadWhole(_image, section) : null);
    }

    /// <summary>The abbreviations that a unit's <see cref="UnitHeader.AbbrevOffset"/> points into.</summary>
    public byte[] AbbrevOf(in UnitHeader unit) => unit.Space == UnitSpace.Supplementary ? _supplementaryAbbrev : Abbrev;

    /// <summary>The bytes of a unit: a slice where they are in memory, else read into the buffer, which grows as needed. Safe from several threads with a buffer each.</summary>
    public ReadOnlySpan<byte> Read(in UnitHeader unit, ref byte[] buffer) => Read(SegmentOf(unit.Space), unit.Offset, unit.Length, ref buffer);

    /// <summary>The unit that a DIE of the space belongs to.</summary>
    /// <exception cref="DwarfFormatException">Past the last unit.</exception>
    public UnitHeader UnitAt(uint offset)
    {
        int low = 0, high = Units.Count - 1;
        while (low < high)
        {
            var middle = (low + high + 1) >>> 1;
            if (Units[middle].Offset <= offset)
                low = middle;
            else
                high = middle - 1;
        }
        return Units[low] is var unit && offset >= unit.Offset + unit.HeaderSize && offset < unit.Offset + unit.Length ? unit
            : throw new DwarfFormatException(".debug_info", offset, null, "reference to no unit");
    }

    /// <summary>DW_FORM_ref_addr: an offset in the section of the unit that refers.</summary>
    public uint Resolve(in UnitHeader unit, ulong target)
    {
        var segment = SegmentOf(unit.Space);
        return target == 0 ? 0 : target < (ulong)segment.Length ? (uint)(segment.Start + (long)target)
            : throw new DwarfFormatException(".debug_info", unit.Offset, target, "reference past the section");
    }

    /// <summary>DW_FORM_ref_sig8: the type of a type unit; 0 where no unit of the image has that signature.</summary>
    public uint ResolveSignature(in UnitHeader unit, ulong signature) => _signatures.TryGetValue(signature, out var offset) ? offset
        : throw new DwarfFormatException(".debug_info", unit.Offset, signature, "no type unit has this signature");

    /// <summary>DW_FORM_GNU_ref_alt, DW_FORM_ref_sup: an offset in the supplementary file.</summary>
    /// <exception cref="UnsupportedImageException">That file is not at hand.</exception>
    public uint ResolveSupplementary(in UnitHeader unit, ulong target)
    {
        var segment = _segments.Find(s => s.Space == UnitSpace.Supplementary) ?? throw MissingSupplementary();
        return target == 0 ? 0 : target < (ulong)segment.Length ? (uint)(segment.Start + (long)target)
            : throw new DwarfFormatException(".debug_info", unit.Offset, target, "reference past the supplementary file's section");
    }

    /// <exception cref="UnsupportedImageException">A name of the supplementary file, which is not at hand.</exception>
    public byte[] SupplementaryNames() => SupplementaryStr.Length > 0 ? SupplementaryStr : throw MissingSupplementary();

    private UnsupportedImageException MissingSupplementary() =>
        new($"DWARF that refers to the supplementary file '{SupplementaryLink.Find(_image)?.Path ?? "?"}' (dwz), which is not at hand");

    /// <summary>DW_FORM_strx: the name number n of the unit's part of <c>.debug_str_offsets</c> (DWARF 5 §7.26).</summary>
    public NameRef StringAt(in UnitHeader unit, ulong index)
    {
        var at = unit.StrOffsetsBase + index * unit.OffsetSize;
        if (index > int.MaxValue || at > (ulong)Math.Max(0, _strOffsets.Length - unit.OffsetSize))
            throw new DwarfFormatException(".debug_str_offsets", unit.Offset, index, "string index past the section");
        return new NameRef(NameRef.DebugStr | Endian.Word(_strOffsets.AsSpan((int)at), unit.OffsetSize == 8));
    }

    /// <summary>DW_FORM_addrx: the address number n of the unit's part of <c>.debug_addr</c> (DWARF 5 §7.27).</summary>
    public ulong AddressAt(in UnitHeader unit, ulong index)
    {
        var at = unit.AddrBase + index * unit.AddressSize;
        if (index > int.MaxValue || at > (ulong)Math.Max(0, _addr.Length - unit.AddressSize))
            throw new DwarfFormatException(".debug_addr", unit.Offset, index, "address index past the section");
        return new DwarfReader(_addr, ".debug_addr", 0, Endian) { Position = (int)at }.Word(unit.AddressSize);
    }

    private Segment SegmentOf(UnitSpace space) => _segments[0].Space == space ? _segments[0] : _segments.Find(s => s.Space == space)!;

    private static ReadOnlySpan<byte> Read(Segment segment, long offset, int length, ref byte[] buffer)
    {
        if (segment.Whole is not null)
            return segment.Whole.AsSpan((int)(offset - segment.Start), length);
        if (buffer.Length < length)
            buffer = GC.AllocateUninitializedArray<byte>(Math.Max(length, (int)Math.Min(buffer.Length * 2L, UnitHeader.MaxUnitLength)));
        segment.Image.Read(segment.Section, offset - segment.Start, buffer.AsSpan(0, length));
        return buffer.AsSpan(0, length);
    }

    private List<UnitHeader> ReadUnitHeaders()
    {
        var units = new List<UnitHeader>();
        var buffer = Array.Empty<byte>();
        foreach (var segment in _segments)
        {
            var end = segment.Start + segment.Length;
            for (var offset = segment.Start; offset < end;)
            {
                var bytes = Read(segment, offset, (int)Math.Min(UnitHeader.MaxSize, end - offset), ref buffer);
                var unit = UnitHeader.Parse(bytes, segment.Space, offset, end - offset, Endian);
                if (unit.Type == UnitType.Type)
                    _signatures.TryAdd(unit.Signature, (uint)(unit.Offset + (long)Math.Min(unit.TypeOffset, (ulong)unit.Length)));
                units.Add(unit);
                offset += unit.Length;
            }
        }
        return units;
    }

    private void AddSegment(UnitSpace space, ElfImage image, string name)
    {
        if (image.Find(name) is not { HasBytes: true } section)
            return;
        _segments.Add(new Segment(space, image, section, IsReadWhole(image, section) ? ReadWhole(image, name) : null, _segments.Sum(s => s.Length)));
    }

    /// <summary>The section cannot be read in parts: it is to be relocated or decompressed.</summary>
    private static bool IsReadWhole(ElfImage image, ElfSection section) =>
        image.Type == ElfType.Relocatable || section.Flags.HasFlag(ElfSectionFlags.Compressed);

    private static byte[]? ReadWhole(ElfImage image, string name)
    {
        if (image.Find(name) is not { HasBytes: true } section)
            return null;
        var bytes = image.Read(section);
        if (image.Type == ElfType.Relocatable)
            Relocations.Apply(image, section, bytes);
        return bytes;
    }
}
