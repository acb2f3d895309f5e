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

    /// <summary>A stream of the whole package again, if it is a Debian one.</summary>
    public static Stream RequireDeb(Stream source)
    {
        var start = new byte[8];
        var count = source.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        return Detect(start.AsSpan(0, count)) switch
        {
            PackageKind.Deb => new PrefixedStream(start.AsMemory(0, count), source),
            PackageKind.Rpm => throw new UnsupportedImageException("an RPM package: only Debian packages are read so far"),
            PackageKind.Image => throw new UnsupportedImageException("a kernel image where a package is expected"),
            _ => throw new PackageFormatException("package", 0, count > 0 ? start[0] : null, "is neither a Debian package nor an ELF image"),
        };
    }

    private static PackageKind Detect(ReadOnlySpan<byte> start) => start switch
    {
        _ when start.SequenceEqual(ArReader.Magic) => PackageKind.Deb,
        [0xed, 0xab, 0xee, 0xdb, ..] => PackageKind.Rpm,
        [0x7f, (byte)'E', (byte)'L', (byte)'F', ..] => PackageKind.Image,
        _ => PackageKind.Unknown,
    };
}
