namespace Archive.Extractor.Packages;

/// <summary>A package of any kind, read once from its start.</summary>
public interface IPackage : IDisposable
{
    IPackedFiles Files { get; }
}

/// <summary>A vmlinux in no package, as the only file of one. Its name tells nothing: what kernel it is stands inside.</summary>
internal sealed class BareImage(Stream image, ExtractionLimits limits) : IPackage, IPackedFiles
{
    public const string Name = "vmlinux";

    public IPackedFiles Files => this;

    public int Entries { get; private set; }

    /// <summary>Its size is known when it was read.</summary>
    public PackedFile? Next() => Entries++ == 0 ? new PackedFile(Name, 0, new LimitedImage(image, limits.MaxImageBytes)) : null;

    public void Dispose()
    {
    }

    private sealed class LimitedImage(Stream image, long limit) : ForwardOnlyStream
    {
        private long _read;

        public override int Read(Span<byte> buffer)
        {
            var count = image.Read(buffer);
            return (_read += count) <= limit ? count : throw new PackageFormatException(Name, 0, (ulong)_read, $"is larger than {limit} bytes");
        }
    }
}

/// <summary>Opens packages by their first bytes.</summary>
public static class KernelPackages
{
    /// <param name="source">Read forward from where it stands; not closed.</param>
    /// <param name="threads">Threads for decoding.</param>
    /// <exception cref="PackageFormatException">Not a package that we read, or malformed.</exception>
    public static IPackage Open(Stream source, ExtractionLimits limits, int threads)
    {
        var start = new byte[8];
        var count = source.ReadAtLeast(start, start.Length, throwOnEndOfStream: false);
        var whole = new PrefixedStream(start.AsMemory(0, count), source);
        return PackageKinds.Detect(start.AsSpan(0, count)) switch
        {
            PackageKind.Deb => DebPackage.Open(whole, limits, threads),
            PackageKind.Rpm => RpmPackage.Open(whole, limits, threads),
            PackageKind.Image => new BareImage(whole, limits),
            _ => throw new PackageFormatException("package", 0, count > 0 ? start[0] : null, "is neither a Debian package nor an RPM package nor an ELF image"),
        };
    }
}
