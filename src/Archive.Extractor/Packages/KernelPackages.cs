namespace Archive.Extractor.Packages;

/// <summary>A package of any kind, read once from its start.</summary>
public interface IPackage : IDisposable
{
    IPackedFiles Files { get; }
}

/// <summary>Opens packages by their first bytes.</summary>
public static class KernelPackages
{
    /// <param name="source">Read forward from where it stands; not closed.</param>
    /// <param name="threads">Threads for decoding.</param>
    /// <exception cref="PackageFormatException">Not a package that we read, or malformed.</exception>
    /// <exception cref="UnsupportedImageException">A kernel image where a package is expected.</exception>
    public static IPackage Open(Stream source, ExtractionLimits limits, int threads)
    {
        var start = new byte[8];
        var count = source.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        var whole = new PrefixedStream(start.AsMemory(0, count), source);
        return PackageKinds.Detect(start.AsSpan(0, count)) switch
        {
            PackageKind.Deb => DebPackage.Open(whole, limits, threads),
            PackageKind.Rpm => RpmPackage.Open(whole, limits, threads),
            PackageKind.Image => throw new UnsupportedImageException("a kernel image where a package is expected"),
            _ => throw new PackageFormatException("package", 0, count > 0 ? start[0] : null, "is neither a Debian package nor an RPM package nor an ELF image"),
        };
    }
}
