using Archive.Extractor.Packages;

namespace Archive.Extractor;

/// <summary>
/// A package whose kernel image was taken out. It stays open for what is packed behind the image; what is packed before it was
/// drafted on the way (<see cref="Early"/>), so that one pass over a download gives kernel and modules in any order.
/// </summary>
public sealed class KernelPackage : IDisposable
{
    private readonly ReadAheadStream _input;
    private readonly IPackage _package;
    private readonly ExtractionLimits _limits;
    private SpooledImage? _image;

    internal KernelPackage(ReadAheadStream input, IPackage package, ExtractionLimits limits, SpooledImage image, EarlyModules? early) =>
        (_input, _package, _limits, _image, Early) = (input, package, limits, image, early);

    /// <summary>The modules before the image; null where they were not asked for.</summary>
    public EarlyModules? Early { get; }

    /// <summary>The image, which goes with this object.</summary>
    public SpooledImage Image => _image ?? throw new InvalidOperationException("the image was taken");

    /// <summary>The image, for a caller that wants it longer than this object.</summary>
    public SpooledImage TakeImage()
    {
        var image = Image;
        _image = null;
        return image;
    }

    /// <inheritdoc cref="PackageModules.Read(IPackedFiles, ExtractionLimits, CancellationToken)"/>
    /// <remarks>Those behind the image.</remarks>
    public IEnumerable<PackageModule> Modules(CancellationToken cancellation) => PackageModules.Read(_package.Files, _limits, cancellation);

    /// <summary>Leaves the package's source where reading ahead had come; the image stays.</summary>
    public void StopReading()
    {
        _package.Dispose();
        _input.Dispose();
    }

    /// <summary>Leaves the package's source where reading ahead had come.</summary>
    public void Dispose()
    {
        _image?.Dispose();
        Early?.Dispose();
        StopReading();
    }
}
