namespace Archive.Extractor.Packages;

/// <summary>
/// The container of lzop: a header with flags, then blocks, each behind its plain size, its compressed size and
/// checksums; a plain size of 0 ends it. All numbers are big-endian. The fields are those that a kernel's own decompressor
/// skips (<c>lib/decompress_unlzo.c</c>, <c>parse_header</c>).
/// </summary>
internal sealed class LzopDecoder(Stream source, string member) : BlockDecoder(source, member)
{
    /// <summary>lzop writes blocks of 256 KiB.</summary>
    private const int MaxBlockBytes = 8 << 20;

    private const int FirstVersionWithLevel = 0x0940;
    private Flags? _flags;

    [Flags]
    private enum Flags : uint
    {
        AdlerOfPlain = 1,
        AdlerOfCompressed = 2,
        ExtraField = 0x40,
        CrcOfPlain = 0x100,
        CrcOfCompressed = 0x200,
        Filter = 0x800,
    }

    private static ReadOnlySpan<byte> Magic => [0x89, (byte)'L', (byte)'Z', (byte)'O', 0, 0x0d, 0x0a, 0x1a, 0x0a];

    private protected override int NextBlock()
    {
        var flags = _flags ??= ReadHeader();
        var size = TakeSize("plain", MaxBlockBytes);
        if (size == 0)
            return 0;
        var compressed = TakeSize("compressed", size);
        if (size > (long)MaxExpansion * compressed)
            throw Malformed((ulong)compressed, $"a block of lzop that cannot expand to {size} bytes");
        var adler = TakeIf(flags, Flags.AdlerOfPlain);
        _ = TakeIf(flags, Flags.CrcOfPlain);
        if (compressed < size)
        {
            _ = TakeIf(flags, Flags.AdlerOfCompressed);
            _ = TakeIf(flags, Flags.CrcOfCompressed);
        }

        Decode(compressed, size);
        if (adler is { } expected && Adler32(Output(size)) is var found && found != expected)
            throw Malformed(found, $"a block of lzop whose checksum is not 0x{expected:x}");
        return size;
    }

    private void Decode(int compressed, int size)
    {
        var input = Take(compressed);
        if (compressed == size)
        {
            input.CopyTo(Output(size));
            return;
        }

        var problem = Lzo1x.TryDecode(input, Output(size), out var produced);
        if (problem is not null || produced != size)
            throw Malformed((ulong)produced, $"lzo: {problem ?? "a block smaller than it says"}");
    }

    private Flags ReadHeader()
    {
        if (!Take(Magic.Length).SequenceEqual(Magic))
            throw Malformed(null, "not in the format of lzop");
        var version = TakeUInt16BigEndian();
        var hasLevel = version >= FirstVersionWithLevel;
        _ = Take(4); // the library's version, and the one that is needed
        var method = Take(1)[0];
        if (method is 0 or > 3)
            throw Malformed(method, "a method of lzop that is not LZO1X");
        _ = Take(hasLevel ? 1 : 0);
        var flags = (Flags)TakeUInt32BigEndian();
        if (flags.HasFlag(Flags.Filter))
            throw Malformed((ulong)flags, "lzop with a filter");
        if (flags.HasFlag(Flags.ExtraField))
            throw Malformed((ulong)flags, "lzop with an extra field");
        _ = Take(hasLevel ? 12 : 8); // mode and times
        _ = Take(Take(1)[0] + 4); // the file's name, and the header's checksum
        return flags;
    }

    private int TakeSize(string what, int max)
    {
        var size = TakeUInt32BigEndian();
        return size <= max ? (int)size : throw Malformed(size, $"a block of lzop with an impossible {what} size");
    }

    private uint? TakeIf(Flags flags, Flags flag) => flags.HasFlag(flag) ? TakeUInt32BigEndian() : null;

    /// <summary>RFC 1950, section 8.2.</summary>
    private static uint Adler32(ReadOnlySpan<byte> bytes)
    {
        const int modulus = 65521;
        const int unreduced = 5552; // so many bytes do not overflow 32 bits
        uint a = 1, b = 0;
        while (!bytes.IsEmpty)
        {
            var count = Math.Min(unreduced, bytes.Length);
            foreach (var value in bytes[..count])
                b += a += value;
            (a, b) = (a % modulus, b % modulus);
            bytes = bytes[count..];
        }

        return (b << 16) | a;
    }
}
