using System.Buffers.Binary;
using System.IO.Compression;
using Btf.Compression;

namespace Btf.Elf;

/// <summary>
/// Compressed sections, in both of their forms: SHF_COMPRESSED, with a header of the image's class and byte order (gABI,
/// Section Compression), and what GNU tools wrote before that, sections named <c>.zdebug_*</c> that begin with "ZLIB" and
/// the size in eight bytes of big-endian.
/// </summary>
internal static class SectionCompression
{
    private const string GnuPrefix = ".zdebug_";
    private const int GnuHeaderBytes = 12;

    // Measured on modules of 6.1: .debug_line_str compresses best, 23 times; zlib reaches 1032.
    private const int MaxExpansion = 64;
    private const int AlwaysAllowedBytes = 1 << 20;

    private enum Method : uint
    {
        Zlib = 1,
        Zstd = 2,
    }

    /// <param name="Size">Of the section before it was compressed, as the header claims.</param>
    private readonly record struct Header(Method Method, ulong Size, int Length);

    /// <summary>The name that a section has where it is not compressed the GNU way.</summary>
    public static string PlainName(string name) => IsGnu(name) ? ".debug_" + name[GnuPrefix.Length..] : name;

    public static bool IsGnu(string name) => name.StartsWith(GnuPrefix, StringComparison.Ordinal);

    /// <param name="bytes">The section as it is in the file.</param>
    public static byte[] Decompress(ElfImage image, ElfSection section, byte[] bytes)
    {
        var header = IsGnu(section.Name) ? ReadGnuHeader(section, bytes) : ReadHeader(image, section, bytes);
        if (header.Size > ElfImage.MaxSectionBytes || header.Size > (ulong)bytes.Length * MaxExpansion + AlwaysAllowedBytes)
            throw new ElfFormatException(section.Name, 0, header.Size, $"uncompressed section is said to be more than {MaxExpansion} times larger");
        var output = new byte[header.Size];
        if (header.Method == Method.Zstd)
            Unzstd(section, bytes.AsSpan(header.Length), output);
        else
            Inflate(section, bytes, header.Length, output);
        return output;
    }

    /// <summary>Elf64_Chdr: type, reserved, size, alignment; 32-bit images have no reserved word.</summary>
    private static Header ReadHeader(ElfImage image, ElfSection section, byte[] bytes)
    {
        var length = image.Is64 ? 24 : 12;
        if (bytes.Length < length)
            throw new ElfFormatException(section.Name, 0, (ulong)bytes.Length, "compression header cut off");
        var method = (Method)image.Endian.U32(bytes);
        if (method is not (Method.Zlib or Method.Zstd))
            throw new ElfFormatException(section.Name, 0, (uint)method, "unknown section compression");
        return new Header(method, image.Endian.Word(bytes.AsSpan(image.Is64 ? 8 : 4), image.Is64), length);
    }

    private static Header ReadGnuHeader(ElfSection section, byte[] bytes)
    {
        if (bytes.Length < GnuHeaderBytes || !bytes.AsSpan().StartsWith("ZLIB"u8))
            throw new ElfFormatException(section.Name, 0, (ulong)bytes.Length, "does not begin as a section compressed the GNU way");
        return new Header(Method.Zlib, BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan(4)), GnuHeaderBytes);
    }

    private static void Inflate(ElfSection section, byte[] bytes, int start, byte[] output)
    {
        try
        {
            using var inflate = new ZLibStream(new MemoryStream(bytes, start, bytes.Length - start), CompressionMode.Decompress);
            inflate.ReadExactly(output);
        }
        catch (Exception e) when (e is InvalidDataException or IOException)
        {
            throw new ElfFormatException(section.Name, start, (ulong)output.Length, $"broken zlib data: {e.Message}");
        }
    }

    private static unsafe void Unzstd(ElfSection section, ReadOnlySpan<byte> bytes, byte[] output)
    {
        Libzstd.Require();
        fixed (byte* from = bytes, to = output)
        {
            var produced = Libzstd.Decompress(to, (nuint)output.Length, from, (nuint)bytes.Length);
            if (Libzstd.IsError(produced) != 0)
                throw new ElfFormatException(section.Name, 24, (ulong)output.Length, $"broken zstd data: {Libzstd.ErrorName(produced)}");
            if (produced != (nuint)output.Length)
                throw new ElfFormatException(section.Name, 24, produced, $"zstd data of another size than the {output.Length} bytes of its header");
        }
    }
}
