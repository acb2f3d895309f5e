namespace Archive.Extractor.Packages;

/// <summary>What a file is that BTF is to be taken from.</summary>
internal enum PackageKind
{
    /// <summary>No package and no ELF: a boot image, if anything.</summary>
    Unknown,
    Deb,
    Rpm,

    /// <summary>An ELF image: a vmlinux, as a rule.</summary>
    Image,
}

internal static class PackageKinds
{
    /// <summary>Looks at the first bytes; the stream stands behind them afterwards.</summary>
    public static PackageKind Detect(Stream source)
    {
        Span<byte> start = stackalloc byte[8];
        return Detect(start[..source.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)]);
    }

    public static PackageKind Detect(ReadOnlySpan<byte> start) => start switch
    {
        _ when start.SequenceEqual(ArReader.Magic) => PackageKind.Deb,
        [0xed, 0xab, 0xee, 0xdb, ..] => PackageKind.Rpm,
        [0x7f, (byte)'E', (byte)'L', (byte)'F', ..] => PackageKind.Image,
        _ => PackageKind.Unknown,
    };
}
