using System.Buffers.Binary;
using System.IO.Compression;

namespace Fuzz.Mutation;

/// <summary>Boot images: the headers, and what is in a payload of gzip, packed anew and with its length made right.</summary>
internal static class BootImageMutations
{
    private static readonly string[] Favourites = [".BTF", "rodata", "note", "symtab"];
    private static readonly byte[] GzipMagic = [0x1f, 0x8b, 8];

    public static byte[] Apply(byte[] input, byte[] other, Random random)
    {
        var payload = input.AsSpan().IndexOf(GzipMagic);
        if (payload < 0 || random.Next(3) == 0 || Gzip.Inflated(input[payload..]) is not { } kernel)
            return ByteMutations.Apply(input, other, random);
        var packed = Gzip.Deflated(ElfMutations.Apply(kernel, other, random, Favourites));
        byte[] output = [.. input.AsSpan(0, payload), .. packed];
        if (random.Next(8) != 0)
            SetLength(output, packed.Length);
        return output;
    }

    /// <summary>payload_length of a bzImage (Documentation/arch/x86/boot.rst), or that of a zboot image.</summary>
    private static void SetLength(byte[] image, int length)
    {
        if (image.Length >= 0x250 && image.AsSpan(0x202).StartsWith("HdrS"u8))
            BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(0x24c), length);
        else if (image.Length > 16 && image.AsSpan(4).StartsWith("zimg"u8))
            BinaryPrimitives.WriteInt32LittleEndian(image.AsSpan(12), length);
    }
}

/// <summary>Packs and unpacks, for mutations of what is inside.</summary>
internal static class Gzip
{
    public static byte[]? Inflated(byte[] content)
    {
        try
        {
            using var gzip = new GZipStream(new MemoryStream(content), CompressionMode.Decompress);
            var tar = new byte[ByteMutations.MaxBytes];
            return tar[..gzip.ReadAtLeast(tar, tar.Length, throwOnEndOfStream: false)];
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }

    public static byte[] Deflated(byte[] tar)
    {
        using var output = new MemoryStream();
        using (var gzip = new GZipStream(output, CompressionLevel.Fastest))
            gzip.Write(tar);
        return output.ToArray();
    }
}
