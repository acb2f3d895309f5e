using System.Text;
using Archive.Extractor;
using Archive.Extractor.Packages;

namespace Fuzz.Mutation;

/// <summary>ar: fields of member headers, whose places follow from the sizes.</summary>
internal static class ArMutations
{
    public const int HeaderBytes = 60;

    private static readonly (int At, int Length)[] Fields = [(0, 16), (16, 12), (40, 8), (48, 10), (48, 10), (48, 10), (58, 2)];
    private static readonly string[] Values = ["", "0", "1", "2", "3", "4", "60", "64", "100", "4294967295", "9999999999", "-1", "+5", "0x10", "1e3", "//", "/", "/0", "#1/20", "debian-binary", "data.tar", "data.tar.xz", "data.tar.gz", "data.tar.zst"];

    public static byte[] Apply(byte[] input, byte[] other, Random random)
    {
        var members = MembersOf(input);
        if (members.Count == 0 || random.Next(3) == 0)
            return ByteMutations.Apply(input, other, random);
        var output = (byte[])input.Clone();
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            var (at, length) = Fields[random.Next(Fields.Length)];
            var value = random.Next(4) == 0 ? $"{random.Next(input.Length + 2)}" : Values[random.Next(Values.Length)];
            Encoding.ASCII.GetBytes(value.PadRight(length).AsSpan(0, length), output.AsSpan(members[random.Next(members.Count)].Header + at));
        }
        return output;
    }

    /// <summary>Where each member's header stands, and how long its content is.</summary>
    public static List<(int Header, int Length)> MembersOf(ReadOnlySpan<byte> archive)
    {
        var members = new List<(int, int)>();
        for (var at = 8; at <= archive.Length - HeaderBytes;)
        {
            if (!int.TryParse(archive.Slice(at + 48, 10).TrimEnd((byte)' '), out var size) || size < 0 || size > archive.Length - at - HeaderBytes)
                break;
            members.Add((at, size));
            at += HeaderBytes + size + (size & 1);
        }
        return members;
    }
}

/// <summary>tar: header fields with the checksum made right again, and whole blocks.</summary>
internal static class TarMutations
{
    private const int BlockBytes = 512;
    private static readonly (int At, int Length)[] Fields = [(0, 100), (100, 8), (124, 12), (124, 12), (124, 12), (148, 8), (156, 1), (156, 1), (257, 8), (345, 155)];
    private static readonly byte[] Types = [.. "0\07LKxgSDVMN123456A"u8];
    private static readonly string[] Numbers = ["", "0", "1", "777", "1000", "77777777777", "\u0080\0\0\0\0\0\0\0\0\0\0\u0001", "\u0080\0\0\0\u007fÿÿÿÿÿÿÿ", "ÿÿÿÿÿÿÿÿÿÿÿÿ", " 12 \0", "12 34", "8", "-1"];

    public static byte[] Apply(byte[] input, byte[] other, Random random)
    {
        if (input.Length < BlockBytes || random.Next(6) == 0)
            return ByteMutations.Apply(input, other, random);
        var output = random.Next(4) == 0 ? Rearranged(input, other, random) : (byte[])input.Clone();
        for (var i = random.Next(1, 5); i > 0 && output.Length >= BlockBytes; i--)
            MutateBlock(output.AsSpan(BlockBytes * random.Next(output.Length / BlockBytes), BlockBytes), random);
        return output;
    }

    private static void MutateBlock(Span<byte> block, Random random)
    {
        var (at, length) = Fields[random.Next(Fields.Length)];
        var field = block.Slice(at, length);
        if (length == 1)
            field[0] = Types[random.Next(Types.Length)];
        else if (length is 8 or 12 && random.Next(4) != 0)
            Fill(field, random.Next(2) == 0 ? Numbers[random.Next(Numbers.Length)] : System.Convert.ToString(random.Next(3 * BlockBytes), 8));
        else
            ByteMutations.InPlace(field, random);
        if (random.Next(8) != 0)
            SetChecksum(block);
    }

    private static void Fill(Span<byte> field, string text)
    {
        field.Clear();
        var bytes = Encoding.Latin1.GetBytes(text);
        bytes.AsSpan(0, Math.Min(bytes.Length, field.Length)).CopyTo(field);
    }

    /// <summary>The sum of the block's bytes, itself taken as spaces.</summary>
    public static void SetChecksum(Span<byte> block)
    {
        block.Slice(148, 8).Fill((byte)' ');
        var sum = 0;
        foreach (var value in block)
            sum += value;
        Encoding.ASCII.GetBytes(System.Convert.ToString(sum, 8).PadLeft(6, '0'), block[148..]);
        block[154] = 0;
    }

    private static byte[] Rearranged(byte[] input, byte[] other, Random random)
    {
        var start = BlockBytes * random.Next(input.Length / BlockBytes);
        var removed = BlockBytes * random.Next(Math.Min(4, (input.Length - start) / BlockBytes) + 1);
        var donor = random.Next(2) == 0 ? input : other;
        var from = BlockBytes * random.Next(donor.Length / BlockBytes + 1);
        var inserted = donor.AsSpan(from, Math.Min(donor.Length - from, BlockBytes * random.Next(5)));
        var output = ByteMutations.Replaced(input, start, removed, inserted);
        return output.Length <= ByteMutations.MaxBytes ? output : input;
    }
}

/// <summary>deb: the ar around it, or the tar in it, packed anew.</summary>
internal static class DebMutations
{
    public static byte[] Apply(byte[] input, byte[] other, Random random)
    {
        var members = ArMutations.MembersOf(input);
        if (members.Count == 0 || random.Next(4) == 0)
            return ArMutations.Apply(input, other, random);
        var (header, length) = members[^1];
        var content = input.AsSpan(header + ArMutations.HeaderBytes, length).ToArray();
        return WithLast(input, header, Mutated(content, other, random));
    }

    private static byte[] Mutated(byte[] content, byte[] other, Random random)
    {
        if (content is [0x1f, 0x8b, ..] && Gzip.Inflated(content) is { } tar)
            return Gzip.Deflated(TarMutations.Apply(tar, other, random));
        if (content.AsSpan().StartsWith(XzMutations.Magic))
            return XzMutations.Apply(content, other, random);
        return content.Length >= 512 && content.AsSpan(257).StartsWith("ustar"u8)
            ? TarMutations.Apply(content, other, random)
            : ByteMutations.Apply(content, other, random);
    }

    /// <summary>The archive with another last member, its size made right.</summary>
    public static byte[] WithLast(byte[] archive, int header, byte[] content)
    {
        byte[] output = [.. archive.AsSpan(0, header + ArMutations.HeaderBytes), .. content, .. content.Length % 2 == 0 ? ""u8 : "\n"u8];
        Encoding.ASCII.GetBytes($"{content.Length,-10}", output.AsSpan(header + 48));
        return output;
    }
}

/// <summary>A Debian package of one file: the image in it, packed anew in blocks of some size.</summary>
internal static class PackedImageMutations
{
    private const int MaxTarBytes = 1 << 20;

    public static byte[] Apply(byte[] input, byte[] other, Random random)
    {
        if (random.Next(3) == 0 || TarOf(input) is not var (header, tar))
            return DebMutations.Apply(input, other, random);
        var image = ElfMutations.Apply(tar[TarHeader.Bytes..], tar, random, [".debug_info", ".symtab", ".rela.data"]);
        var packed = new byte[(TarHeader.Bytes * 2) + image.Length];
        TarHeader.Write(packed, "vmlinux-6.1.0-fuzz", image.Length);
        image.CopyTo(packed, TarHeader.Bytes);
        return DebMutations.WithLast(input, header, Codecs.EncodeXz(packed, preset: 0, blockBytes: random.Next(1, 5) * 4096, threads: 1));
    }

    private static (int Header, byte[] Tar)? TarOf(byte[] package)
    {
        if (ArMutations.MembersOf(package) is not [.., var (header, length)])
            return null;
        try
        {
            using var decoder = Codecs.OpenDecoder(new MemoryStream(package, header + ArMutations.HeaderBytes, length), "tar", new DecoderOptions(1, 64 << 20));
            var tar = new byte[MaxTarBytes];
            var size = decoder.ReadAtLeast(tar, tar.Length, throwOnEndOfStream: false);
            return size > TarHeader.Bytes ? (header, tar[..size]) : null;
        }
        catch (PackageFormatException)
        {
            return null;
        }
    }
}

/// <summary>xz: bytes, with the CRC-32 of the stream header and of the first block header made right again.</summary>
internal static class XzMutations
{
    private const int StreamHeaderBytes = 12;

    public static ReadOnlySpan<byte> Magic => [0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0];

    public static byte[] Apply(byte[] input, byte[] other, Random random)
    {
        if (input.Length <= StreamHeaderBytes || random.Next(4) == 0)
            return ByteMutations.Apply(input, other, random);
        var output = (byte[])input.Clone();
        for (var i = random.Next(1, 4); i > 0; i--)
            ByteMutations.InPlace(random.Next(3) == 0 ? output.AsSpan(6, Math.Min(30, output.Length - 6)) : output.AsSpan(6), random);
        WriteCrc32(output.AsSpan(6, 2), output.AsSpan(8));
        // The first byte of a block header is its length in words, less one.
        var blockHeader = 4 * (output[StreamHeaderBytes] + 1);
        if (StreamHeaderBytes + blockHeader <= output.Length)
            WriteCrc32(output.AsSpan(StreamHeaderBytes, blockHeader - 4), output.AsSpan(StreamHeaderBytes + blockHeader - 4));
        return output;
    }

    /// <summary>CRC-32 of IEEE 802.3, little-endian, bit by bit: the headers are short.</summary>
    private static void WriteCrc32(ReadOnlySpan<byte> bytes, Span<byte> into)
    {
        var crc = uint.MaxValue;
        foreach (var value in bytes)
        {
            crc ^= value;
            for (var bit = 0; bit < 8; bit++)
                crc = (crc >> 1) ^ (0xedb8_8320 & (uint)-(int)(crc & 1));
        }
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32LittleEndian(into, ~crc);
    }
}
