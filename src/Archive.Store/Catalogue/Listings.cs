using Archive.Store.Kernels;

namespace Archive.Store.Catalogue;

/// <summary>A kernel package that a source lists, whether or not it is ever fetched: the denominator of coverage.</summary>
/// <param name="Scope">The part of the source that lists it: repository and arch.</param>
/// <param name="Grade"><c>debug</c>, <c>image</c> or <c>modules</c>.</param>
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

/// <summary>How much of what sources list is published.</summary>
/// <param name="Listed">Kernels (unames) ever listed.</param>
/// <param name="Gone">Those of them that no source lists any more.</param>
/// <param name="Outcomes">Kernels by the best outcome of their builds; those never tried are <c>pending</c>.</param>
public sealed record ListedCoverage(string Distro, string Version, string Arch, int Listed, int Gone, IReadOnlyDictionary<string, int> Outcomes);

/// <summary>A kernel that is listed and not published.</summary>
/// <param name="Outcome">Null where it was never tried.</param>
/// <param name="GoneAt">When the last source ceased to list it; null while one does.</param>
public sealed record ListedGap(KernelKey Key, Outcome? Outcome, string? Reason, DateTimeOffset FirstListed, DateTimeOffset? GoneAt);
