namespace Archive.Extractor.Packages;

/// <summary>What a package may cost at most. Beyond any of these it is refused with a <see cref="PackageFormatException"/>.</summary>
public sealed record ExtractionLimits
{
    public static ExtractionLimits Default { get; } = new();

    /// <summary>Bytes that the package may expand to in all, as far as it is read. Debian's largest debug packages stay under 8 GiB.</summary>
    public long MaxExpandedBytes { get; init; } = 32L << 30;

    /// <summary>Expanded bytes for each compressed byte, checked past the first <see cref="RatioFreeBytes"/>. Debug information reaches 6.</summary>
    public int MaxExpansionRatio { get; init; } = 100;

    /// <summary>The ratio says nothing about the first few megabytes: tar headers and padding compress very well.</summary>
    public long RatioFreeBytes { get; init; } = 64L << 20;

    /// <summary>Size of the kernel image. The largest that we know (generic amd64 of trixie) has 0.7 GiB.</summary>
    public long MaxImageBytes { get; init; } = 4L << 30;

    /// <summary>Size of a compressed or raw boot image, which is worked on in memory. Distros' have 5 to 60 MiB.</summary>
    public long MaxBootImageBytes { get; init; } = 256L << 20;

    /// <summary>Size of the kernel unpacked from a boot image, in memory. Distros' have 20 to 70 MiB.</summary>
    public long MaxKernelBytes { get; init; } = 512L << 20;

    /// <summary>Size of a kernel module, in memory. Those of debug packages reach some 100 MiB.</summary>
    public long MaxModuleBytes { get; init; } = 512L << 20;

    /// <summary>Entries of the tar before the kernel image.</summary>
    public int MaxEntries { get; init; } = 200_000;

    /// <summary>Memory for the decoder's dictionary; for xz also what its threads may use together.</summary>
    public long MaxDecoderBytes { get; init; } = 512L << 20;
}
