using Archive.Extractor.Inventory;
using Archive.Extractor.Packages;
using Archive.Extractor.Vmlinuz;
using Btf;
using Microsoft.Win32.SafeHandles;

namespace Archive.Extractor;

/// <summary>
/// The whole path from a kernel package to its BTF:
/// <list type="number">
/// <item>the package is read ahead of the decoder (<see cref="ReadAheadStream"/>);</item>
/// <item>ar, codec and tar of a .deb, or headers, codec and cpio of an .rpm, are undone as it comes in (<see cref="KernelPackages"/>), up to the kernel image;</item>
/// <item>the image alone goes to a temporary file (<see cref="SpooledImage"/>), and decoding stops at its end;</item>
/// <item>that file is converted (<see cref="BootImageConverter"/>), be it a vmlinux or a boot image.</item>
/// </list>
/// The rest of the package stays unread: a caller that wants its hash reads it on (its own stream then sees every
/// byte once). Doing that between <see cref="Spool"/> and <see cref="Convert"/>, or beside the latter, is up to the caller.
/// </summary>
/// <param name="workFolder">Where the image is kept while it is worked on; must exist and have room for it.</param>
public sealed class KernelExtractor(string workFolder, ConversionOptions conversion, ExtractionLimits? limits = null)
{
    private readonly ExtractionLimits _limits = limits ?? ExtractionLimits.Default;

    /// <summary>Takes the kernel image out of a package and converts it.</summary>
    /// <inheritdoc cref="Spool"/>
    public ConvertedKernel Extract(Stream package, IProgress<ExtractionProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var image = Spool(package, progress, cancellation);
        return Convert(image, progress, cancellation);
    }

    /// <summary>Converts a package, or a kernel image, that is a file.</summary>
    /// <returns>The uname that the package states, null for an image; and the BTF.</returns>
    /// <inheritdoc cref="Spool"/>
    public (string? PackageUname, ConvertedKernel Kernel) ExtractFile(
        string path, IProgress<ExtractionProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0);
        if (PackageKinds.Detect(file) is PackageKind.Image or PackageKind.Unknown)
            return (null, ConvertImage(path, file.Length, conversion with { FollowsDebugLinks = true }, progress, cancellation));
        using var image = SpoolFile(file, progress, cancellation);
        return (image.Uname, Convert(image, progress, cancellation));
    }

    /// <summary>Takes the kernel image out of a package.</summary>
    /// <param name="package">Read forward from where it stands, up to somewhere past the end of the image; not closed.</param>
    /// <exception cref="MalformedInputException">The package or what is in it is malformed, or beyond a limit.</exception>
    /// <exception cref="NoDebugInfoException">The package has no kernel image.</exception>
    /// <exception cref="UnsupportedImageException">A kind of package that we do not read.</exception>
    /// <exception cref="MissingLibraryException">The library that decodes it is not installed.</exception>
    public SpooledImage Spool(Stream package, IProgress<ExtractionProgress>? progress = null, CancellationToken cancellation = default)
    {
        using var kernel = Open(package, null, null, progress, cancellation);
        return kernel.TakeImage();
    }

    /// <summary>The same of a package that is a file: what nobody reads of the image need not be decoded (<see cref="SparseCopy"/>).</summary>
    private SpooledImage SpoolFile(FileStream package, IProgress<ExtractionProgress>? progress, CancellationToken cancellation)
    {
        package.Position = 0;
        using var kernel = Open(package, null, package.SafeFileHandle, progress, cancellation);
        return kernel.TakeImage();
    }

    /// <summary>Takes the kernel image out of a package, and stays open for the modules behind it.</summary>
    /// <param name="withModules">Make drafts of the modules that come before it.</param>
    /// <inheritdoc cref="Spool"/>
    public KernelPackage Open(Stream package, bool withModules, IProgress<ExtractionProgress>? progress = null, CancellationToken cancellation = default) =>
        Open(package, withModules ? new EarlyModules(workFolder, conversion) : null, null, progress, cancellation);

    private KernelPackage Open(
        Stream package, EarlyModules? early, SafeFileHandle? local, IProgress<ExtractionProgress>? progress, CancellationToken cancellation)
    {
        var input = new ReadAheadStream(package, cancellation);
        IPackage? opened = null;
        try
        {
            opened = KernelPackages.Open(input, _limits, conversion.Threads);
            return new KernelPackage(input, opened, _limits, SpoolImage(opened, input, early, local, progress, cancellation), early);
        }
        catch
        {
            early?.Dispose();
            opened?.Dispose();
            input.Dispose();
            throw;
        }
    }

    private SpooledImage SpoolImage(
        IPackage package, ReadAheadStream input, EarlyModules? early, SafeFileHandle? local, IProgress<ExtractionProgress>? progress, CancellationToken cancellation)
    {
        var files = package.Files;
        var (image, uname, config) = files is BareImage bare ? (bare.Next()!, "", []) : FindImage(files, input, early, progress, cancellation);
        if (image.Size > _limits.MaxImageBytes)
            throw new PackageFormatException(image.Name, 0, (ulong)image.Size, $"is larger than {_limits.MaxImageBytes} bytes");
        long unpacked = 0;
        var blocks = local is not null && package is DebPackage deb ? ImageBlocks.Find(local, deb.DataMember, image, _limits, conversion.Threads) : null;
        return SpooledImage.Create(workFolder, image, uname, config, spooled =>
        {
            if (blocks is not null)
                new SparseCopy(spooled, image, blocks, (elf, section) => VmlinuxConverter.Reads(elf, section, conversion), Copied).Run();
            else
                spooled.Write(image.Content, 0, long.MaxValue, Copied);
        });

        void Copied(long count)
        {
            cancellation.ThrowIfCancellationRequested();
            progress?.Report(new(ExtractionStage.Unpacking, input.BytesRead, unpacked += count, image.Size));
        }
    }

    /// <summary>Converts an image that was taken out of a package.</summary>
    public ConvertedKernel Convert(SpooledImage image, IProgress<ExtractionProgress>? progress = null, CancellationToken cancellation = default)
    {
        var kernel = ConvertImage(image.Path, image.Size, conversion, progress, cancellation);
        return conversion.Inventory && image.Config.Count > 0
            ? kernel with { Inventory = (kernel.Inventory ?? new KernelInventory()) with { Config = image.Config } }
            : kernel;
    }

    private ConvertedKernel ConvertImage(
        string path, long size, ConversionOptions options, IProgress<ExtractionProgress>? progress, CancellationToken cancellation)
    {
        progress?.Report(new(ExtractionStage.Converting, 0, size, size));
        return BootImageConverter.Convert(path, options, _limits, cancellation);
    }

    private (PackedFile Image, string Uname, IReadOnlyList<string> Config) FindImage(
        IPackedFiles files, ReadAheadStream input, EarlyModules? early, IProgress<ExtractionProgress>? progress, CancellationToken cancellation)
    {
        (PackedFile Image, string Uname)? found = null;
        IReadOnlyList<string> config = [];
        if (early is not null)
            early.Take(Passed().Where(f => PackageModules.NameOf(f.Name) is not null).Select(f => PackageModules.TryRead(f, _limits, cancellation)), cancellation);
        else
            foreach (var _ in Passed()) { }
        var (image, uname) = found ?? throw new NoDebugInfoException($"no kernel image among the {files.Entries} entries of the package");
        return (image, uname, config);

        IEnumerable<PackedFile> Passed()
        {
            while (files.Next() is { } file)
            {
                cancellation.ThrowIfCancellationRequested();
                if (KernelImageNames.UnameOf(file.Name) is { } name)
                {
                    found = (file, name);
                    yield break;
                }
                if (KernelConfig.IsConfig(file))
                    config = KernelConfig.Read(file.Content);
                progress?.Report(new(ExtractionStage.Searching, input.BytesRead, 0, 0));
                yield return file;
            }
        }
    }
}
