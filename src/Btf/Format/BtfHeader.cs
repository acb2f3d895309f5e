using System.Buffers.Binary;

namespace Btf.Format;

/// <summary>
/// The header of BTF, with sections bounds-checked against the bytes that hold it. Headers of 24 bytes, of 32
/// (with a layout section, libbpf commit 462733ec) and longer ones whose unknown tail is zero are read.
/// </summary>
public readonly record struct BtfHeader
{
    /// <summary>Bytes of the header that also has <c>layout_off</c> and <c>layout_len</c>.</summary>
    public const int SizeWithLayout = 32;

    internal const string SectionName = "BTF header";

    public required bool IsBigEndian { get; init; }
    public required byte Version { get; init; }
    public required byte Flags { get; init; }

    /// <summary><c>hdr_len</c>, in bytes; the section offsets count from here.</summary>
    public required int Length { get; init; }

    public required BtfSection Types { get; init; }
    public required BtfSection Strings { get; init; }

    /// <summary>Empty where the header has none.</summary>
    public required BtfSection Layout { get; init; }

    /// <summary>Where the last section ends: the length of the whole, in bytes from the header's first.</summary>
    public int End => Math.Max(Length, Math.Max(Layout.End, Math.Max(Types.End, Strings.End)));

    /// <param name="bytes">BTF from its magic on; what follows its end is not looked at.</param>
    /// <exception cref="BtfFormatException">Not a header of BTF, or a section that does not fit the bytes.</exception>
    public static BtfHeader Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < BtfWire.HeaderSize)
            throw Malformed(0, (ulong)bytes.Length, "shorter than a header");
        var bigEndian = ReadMagic(bytes);
        if (bytes[2] != BtfWire.Version)
            throw Malformed(2, bytes[2], "unknown version");

        var words = new WordReader(bytes, bigEndian);
        var length = words.At(4);
        if (length < BtfWire.HeaderSize || length > (uint)bytes.Length || length % 4 != 0)
            throw Malformed(4, length, "header length out of range");
        var withLayout = length >= SizeWithLayout;
        RequireZeroTail(bytes[..(int)length], withLayout ? SizeWithLayout : BtfWire.HeaderSize);

        return new BtfHeader
        {
            IsBigEndian = bigEndian,
            Version = bytes[2],
            Flags = bytes[3],
            Length = (int)length,
            Types = ReadSection(words, 8, length, "types"),
            Strings = ReadSection(words, 16, length, "strings"),
            Layout = withLayout ? ReadSection(words, 24, length, "layout") : default,
        };
    }

    private static bool ReadMagic(ReadOnlySpan<byte> bytes)
    {
        var magic = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
        return magic switch
        {
            BtfWire.Magic => false,
            BtfWire.SwappedMagic => true,
            _ => throw Malformed(0, magic, "not BTF: wrong magic"),
        };
    }

    private static void RequireZeroTail(ReadOnlySpan<byte> header, int known)
    {
        var stray = header[known..].IndexOfAnyExcept((byte)0);
        if (stray >= 0)
            throw Malformed(known + stray, header[known + stray], "header of a later format: its unknown part is not zero");
    }

    private static BtfSection ReadSection(WordReader words, int at, uint headerLength, string name)
    {
        var (offset, length) = (words.At(at), words.At(at + 4));
        var start = (ulong)headerLength + offset;
        if (offset % 4 != 0 && name != "strings")
            throw Malformed(at, offset, $"{name} section is not aligned");
        if (start + length > (ulong)words.Length)
            throw Malformed(at, start + length, $"{name} section ends past the end of the data");
        return new BtfSection((int)start, (int)length);
    }

    private static BtfFormatException Malformed(long offset, ulong value, string problem) =>
        new(SectionName, offset, value, problem);
}

/// <summary>Where a section stands in the whole BTF, in bytes from its first.</summary>
public readonly record struct BtfSection(int Start, int Length)
{
    public int End => Start + Length;
}

/// <summary>Words of either byte order.</summary>
internal readonly ref struct WordReader(ReadOnlySpan<byte> bytes, bool bigEndian)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;

    public int Length => _bytes.Length;

    public uint At(int offset) => bigEndian
        ? BinaryPrimitives.ReadUInt32BigEndian(_bytes[offset..])
        : BinaryPrimitives.ReadUInt32LittleEndian(_bytes[offset..]);
}
