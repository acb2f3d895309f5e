namespace Archive.Extractor.Vmlinuz;

/// <summary>Where in a boot image a compressed kernel may begin, by the magics of the codecs.</summary>
internal static class PayloadSearch
{
    /// <summary>Enough of each codec's first bytes that chance hits are rare. The .lzma header is that of the lzma command, its size unknown.</summary>
    private static readonly byte[][] Magics =
    [
        [0x1f, 0x8b, 8],
        [0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, 0],
        [0x28, 0xb5, 0x2f, 0xfd],
        [0x02, 0x21, 0x4c, 0x18],
        [0x89, (byte)'L', (byte)'Z', (byte)'O', 0, 0x0d, 0x0a, 0x1a, 0x0a],
        [(byte)'B', (byte)'Z', (byte)'h', (byte)'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59],
        [0x5d, 0, 0, 0, 4, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ];

    /// <summary>Magics of three or four bytes occur by chance, longer ones in the decompressor's code; each is an attempt at decoding.</summary>
    private const int MostShort = 12, MostLong = 4, ShortBytes = 4;

    /// <summary>Offsets in ascending order.</summary>
    public static List<int> Candidates(ReadOnlySpan<byte> image)
    {
        var found = new List<int>();
        foreach (var magic in Magics)
        {
            var (at, limit) = (0, found.Count + (magic.Length <= ShortBytes ? MostShort : MostLong));
            while (found.Count < limit && image[at..].IndexOf(magic) is >= 0 and var next)
            {
                found.Add(at + next);
                at += next + 1;
            }
        }

        found.Sort();
        return found;
    }

    /// <summary>A kernel's ELF, a boot image inside another, or memory that has a kernel's banner.</summary>
    public static bool IsKernel(ReadOnlyMemory<byte> bytes) =>
        bytes.Span.StartsWith("\u007fELF"u8) || BootImage.Read(bytes.Span).Place == KernelPlace.Raw || KernelBanner.Find(bytes.Span) is not null;
}
