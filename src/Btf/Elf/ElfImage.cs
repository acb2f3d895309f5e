using System.Text;

namespace Btf.Elf;

/// <summary>
/// An ELF image: header, sections, and their bytes on demand. Everything that the header and the section table claim is
/// checked against the file's length before it is used (System V gABI, chapters 4 and 5).
/// </summary>
public sealed class ElfImage : IDisposable
{
    /// <summary>Largest section that is read into memory at once.</summary>
    public const int MaxSectionBytes = 0x7fff_ffc7;

    /// <summary>Longest name of a section or symbol, in bytes; the kernel's own limit of a symbol is 512 (KSYM_NAME_LEN).</summary>
    public const int MaxNameBytes = 8192;

    private readonly ByteSource _source;
    private readonly Dictionary<string, ElfSection> _byName = new(StringComparer.Ordinal);

    private ElfImage(ByteSource source)
    {
        _source = source;
        var header = new ElfHeader(source);
        Is64 = header.Is64;
        Endian = header.Endian;
        Type = header.Type;
        Machine = header.Machine;
        Sections = header.ReadSections(source);
        foreach (var section in Sections)
            _byName.TryAdd(section.Name, section);
        foreach (var section in Sections)
            _byName.TryAdd(SectionCompression.PlainName(section.Name), section);
        RefuseOverlaps();
    }

    public bool Is64 { get; }

    public EndianReader Endian { get; }

    public ElfType Type { get; }

    public ElfMachine Machine { get; }

    public IReadOnlyList<ElfSection> Sections { get; }

    /// <exception cref="ElfFormatException">Not an ELF image, or a header or section that does not fit the file.</exception>
    public static ElfImage Open(string path) => Create(ByteSource.Open(path));

    /// <inheritdoc cref="Open"/>
    public static ElfImage FromBytes(ReadOnlyMemory<byte> bytes) => Create(ByteSource.Over(bytes));

    private static ElfImage Create(ByteSource source)
    {
        try
        {
            return new ElfImage(source);
        }
        catch
        {
            source.Dispose();
            throw;
        }
    }

    /// <summary>The first section of this name, or null. <c>.debug_info</c> finds a <c>.zdebug_info</c> too, where that is the only one.</summary>
    public ElfSection? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>The bytes of a section, decompressed where it has <see cref="ElfSectionFlags.Compressed"/>: zlib or zstd, or zlib the GNU way.</summary>
    /// <exception cref="ElfFormatException">Too large, compressed in a way we do not read, or without bytes in the file.</exception>
    /// <exception cref="MissingLibraryException">Compressed with zstd, and the system's library of it is not installed.</exception>
    public byte[] Read(ElfSection section)
    {
        if (!section.HasBytes)
            throw new ElfFormatException(section.Name, 0, (ulong)section.Type, "the section has no bytes in this file");
        if (section.Size > MaxSectionBytes)
            throw new ElfFormatException(section.Name, 0, (ulong)section.Size, "section too large");
        var bytes = new byte[section.Size];
        _source.Read(section.Offset, bytes);
        return section.Flags.HasFlag(ElfSectionFlags.Compressed) ? SectionCompression.Decompress(this, section, bytes) : bytes;
    }

    /// <summary>Part of an uncompressed section; safe from several threads.</summary>
    public void Read(ElfSection section, long offset, Span<byte> into)
    {
        if (offset < 0 || offset > section.Size - into.Length)
            throw new ElfFormatException(section.Name, offset, (ulong)into.Length, "read past the end of the section");
        _source.Read(section.Offset + offset, into);
    }

    public void Dispose() => _source.Dispose();

    /// <summary>Sections share no bytes, so together they fit the file; else a small file could ask for any amount of work.</summary>
    private void RefuseOverlaps()
    {
        var sum = 0L;
        foreach (var section in Sections)
        {
            sum += section.HasBytes ? section.Size : 0;
            if (sum > _source.Length)
                throw new ElfFormatException(section.Name, section.Offset, (ulong)section.Size, $"sections overlap: up to this one they have more than the file's {_source.Length} bytes");
        }
    }

    /// <summary>The NUL-terminated string at an offset of a string table.</summary>
    /// <exception cref="ElfFormatException">Outside the table, not terminated inside it, or longer than <see cref="MaxNameBytes"/>.</exception>
    public static string StringAt(string table, ReadOnlySpan<byte> bytes, long offset) => Encoding.UTF8.GetString(BytesAt(table, bytes, offset));

    /// <inheritdoc cref="StringAt"/>
    public static ReadOnlySpan<byte> BytesAt(string table, ReadOnlySpan<byte> bytes, long offset)
    {
        if (offset < 0 || offset >= bytes.Length)
            throw new ElfFormatException(table, offset, (ulong)bytes.Length, "string offset past the table");
        // Names may overlap: without a limit, many of one long string are more than the file.
        var rest = bytes[(int)offset..];
        var end = rest[..Math.Min(rest.Length, MaxNameBytes + 1)].IndexOf((byte)0);
        if (end < 0)
            throw new ElfFormatException(table, offset, null, rest.Length > MaxNameBytes ? $"string longer than {MaxNameBytes} bytes" : "string not terminated");
        return rest[..end];
    }
}
