using Archive.Store.Kernels;

namespace Archive.Store.Catalogue;

/// <summary>A kernel package that a source lists, whether or not it is ever fetched: the denominator of coverage.</summary>
/// <param name="Scope">The part of the source that lists it: repository and arch.</param>
/// <param name="Grade"><c>debug</c>, <c>image</c> or <c>modules</c>; <c>headers</c> where it only tells that the kernel exists.</param>
/// <param name="Size">Bytes; 0 where the source does not tell.</param>
public sealed record ListedKernel(string Scope, KernelKey Key, string PackageName, string PackageVersion, string Grade, long Size, Uri Url);

/// <summary>One build as a crawl's planning wants to know it.</summary>
/// <param name="PackageSha256">Of the package that the outcome is about; empty where it was never known.</param>
public sealed record KnownBuild(Outcome Outcome, DateTimeOffset? RetryAt, string PackageSha256);

/// <summary>What makes a build one of its own.</summary>
public readonly record struct BuildIdentity(KernelKey Key, string PackageName, string PackageVersion)
{
    public static BuildIdentity Of(KernelBuild build) => new(build.Key, build.PackageName, build.PackageVersion);
}

/// <summary>Which listed kernels are meant; every part is optional.</summary>
public sealed record ListedFilter
{
    public string? Distro { get; init; }
    public string? Version { get; init; }
    public string? Arch { get; init; }

    /// <summary>Of <see cref="ListedGap.Outcome"/>; for gaps only.</summary>
    public string? Outcome { get; init; }

    /// <summary>Only kernels behind this one, in order of distro, version, arch, uname.</summary>
    public KernelKey? After { get; init; }

    /// <summary>Of gaps.</summary>
    public int Limit { get; init; } = 1000;
}

/// <summary>How much of what sources list is published.</summary>
/// <param name="Listed">Kernels (unames) ever listed.</param>
/// <param name="Gone">Those of them that no source lists any more.</param>
/// <param name="Outcomes">Kernels by the best outcome of their builds, in the words of <see cref="ListedGap.Outcome"/>.</param>
public sealed record ListedCoverage(string Distro, string Version, string Arch, long Listed, long Gone, IReadOnlyDictionary<string, long> Outcomes);

/// <summary>A kernel that is listed, has no BTF here and is not known to ship its own.</summary>
/// <param name="Outcome">Of the build that came furthest; <c>pending</c> where none was tried, <c>no-package</c> (<see cref="NoPackage"/>) where no source has a package of it.</param>
/// <param name="GoneAt">When the last source ceased to list it; null while one does.</param>
public sealed record ListedGap(KernelKey Key, string Outcome, string? Reason, DateTimeOffset FirstListed, DateTimeOffset? GoneAt)
{
    /// <summary>A list of kernels names it, and no source has a package with its types.</summary>
    public const string NoPackage = "no-package";
}
