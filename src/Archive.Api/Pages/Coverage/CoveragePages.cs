using Archive.Api.Endpoints;
using Archive.Api.Kernels;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Pages.Coverage;

/// <summary>What the reader chose to see of the matrix, as the address has it.</summary>
/// <param name="Incomplete">Only places where something is missing or failed.</param>
public sealed record CoverageFilter(string? Distro, string? Version, string? Arch, bool Incomplete, int Page)
{
    public bool Matches(CoverageRow row) =>
        (Distro is null || row.Distro == Distro) && (Version is null || row.Version == Version) && (Arch is null || row.Arch == Arch) && (!Incomplete || row.Failed + row.Missing > 0);

    /// <summary>The address of the same choice.</summary>
    public string Link(string path, int page = 1) => Links.With(
        path, ("distro", Distro), ("version", Version), ("arch", Arch), ("incomplete", Incomplete ? "1" : null), ("page", page > 1 ? $"{page}" : null));
}

/// <summary>A distro's version: a row of the matrix.</summary>
public sealed record MatrixRow(string Distro, string Version, IReadOnlyDictionary<string, CoverageRow> ByArch);

/// <param name="Distros">All there are, to choose from; as the archs.</param>
public sealed record MatrixModel(
    CoverageFilter Filter, IReadOnlyList<string> Distros, IReadOnlyList<string> AllArchs, IReadOnlyList<string> Archs, IReadOnlyList<MatrixRow> Rows, bool HasMore,
    CoverageRow? Total, IReadOnlyList<CrawlRunRecord> Crawls);

/// <param name="Flavours">Of the whole place, with the number of builds of each.</param>
/// <param name="Builds">One page of those that were chosen.</param>
/// <param name="Shown">All that were chosen, for the chart.</param>
public sealed record PlaceModel(
    Shelf Shelf, string? Flavour, string? State, IReadOnlyList<(string Flavour, int Builds)> Flavours, IReadOnlyList<RosterBuild> Shown, IReadOnlyList<RosterBuild> Builds, int Page, bool HasMore);

/// <param name="Outcomes">Those that leave a gap, with how many builds each.</param>
public sealed record GapsModel(
    string? Distro, string? Arch, string? Outcome, IReadOnlyList<string> Distros, IReadOnlyList<string> Archs, IReadOnlyList<(Outcome Outcome, int Builds)> Outcomes,
    IReadOnlyList<RosterBuild> Builds, int Page, bool HasMore);

/// <param name="Outcomes">Why kernels are listed and not published, with how many each.</param>
/// <param name="Next">Where the next page begins; null on the last.</param>
public sealed record ListedModel(
    string? Distro, string? Arch, string? Outcome, IReadOnlyList<string> Distros, IReadOnlyList<string> Archs, IReadOnlyList<(string Outcome, long Kernels)> Outcomes,
    IReadOnlyList<ListedGap> Gaps, string? Next);

public sealed record RecentModel(IReadOnlyList<RosterBuild> Builds, int Page, bool HasMore);

public sealed record ChartsModel(
    Shared.Series Growth, Shared.Series Bytes, IReadOnlyList<(string Name, Shared.Series Series)> Coverage, IReadOnlyList<(string Name, long Count)> Distros, IReadOnlyList<(string Name, long Size)> Sizes);
