using Archive.Crawler.Http;
using Archive.Store.Kernels;
using Archive.Store.Provenance;

namespace Archive.Crawler.Sources;

/// <summary>A package of a kernel as a source lists it: what it is, what vouched for it, and where it can be fetched, in order.</summary>
/// <param name="Rank">Place of its rule in the source's order of preference.</param>
/// <param name="Checksum">What the index states of its bytes; null where it states nothing.</param>
/// <param name="Index">Null where there is none, as for a local file.</param>
/// <param name="NoteOnly">The source's policy: checked and recorded, not published.</param>
public sealed record FoundPackage(
    KernelBuild Build, string Flavour, PackageGrade Grade, int Rank, bool NoteOnly, Checksum? Checksum, ProvenanceIndex? Index, IReadOnlyList<Uri> Urls)
{
    /// <summary>The part of the source that lists it.</summary>
    public string Scope { get; init; } = "";
}

/// <summary>A kernel that can be had: the package to take, those with its modules where they are others, and the second best.</summary>
public sealed record FoundKernel(FoundPackage Package)
{
    public KernelBuild Build => Package.Build;

    public string Flavour => Package.Flavour;

    public ProvenanceIndex? Index => Package.Index;

    public IReadOnlyList<Uri> Urls => Package.Urls;

    /// <summary>Kernels of the same release, arch and flavour that are newer.</summary>
    public int Age { get; init; }

    /// <summary>Packages with the modules, for where the kernel's own has none.</summary>
    public IReadOnlyList<FoundPackage> Modules { get; init; } = [];

    /// <summary>The same kernel in another package, for when this one turns out to be of no use.</summary>
    public FoundKernel? Otherwise { get; init; }

    /// <summary>This one, and the others after it.</summary>
    public IEnumerable<FoundKernel> Chain()
    {
        for (var kernel = this; kernel is not null; kernel = kernel.Otherwise)
            yield return kernel;
    }
}
