using Archive.Api.Endpoints;
using Archive.Api.Kernels;
using Archive.Api.Pages.Shared;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Pages.Home;

/// <summary>What the first page shows of the archive.</summary>
/// <param name="Found">Of the text in the box; null where there is none.</param>
public sealed record HomeModel(string Text, Found? Found, ArchiveNumbers Numbers, IReadOnlyList<RosterBuild> Recent, IReadOnlyList<DistroNumbers> Distros, Series Growth);

/// <param name="LastCrawl">The end of the latest crawl that went through; null where there was none.</param>
public sealed record ArchiveNumbers(long Known, long Published, int Distros, int Archs, DateTimeOffset? LastPublished, DateTimeOffset? LastCrawl);

public sealed record DistroNumbers(string Distro, int Versions, int Archs, long Published, long Known);

/// <summary>The first page: one box, and the numbers of the archive.</summary>
public static class HomeEndpoints
{
    private const int RecentCount = 8;

    public static void MapHome(this WebApplication app)
    {
        app.Pages().MapGet("/", GetAsync);
        app.Pages().MapGet("/suggest", SuggestAsync);
    }

    private static async Task<IResult> GetAsync(HttpContext context, Finder finder, KernelRoster rosters, CoverageCounts counts, ICatalogue catalogue, string? q)
    {
        var cancellation = context.RequestAborted;
        // In a bare release a plus sign is one, also where a link was written by hand.
        var text = RawQuery.LiteralPlus(context.Request, "q") is { } literal && UnameText.Parse(literal)?.Release == literal ? literal : q ?? "";
        var found = string.IsNullOrWhiteSpace(text) ? null : await finder.FindAsync(text, cancellation);
        var (roster, rows) = (await rosters.GetAsync(cancellation), await counts.RowsAsync(cancellation));
        var runs = await catalogue.RunsAsync(null, 20, cancellation);
        return Page.Of<HomePage>(new HomeModel(text, found, NumbersOf(roster, rows, runs), [.. roster.Recent.Take(RecentCount)], [.. DistrosOf(rows)], Series.Growth(roster)));
    }

    private static async Task<IResult> SuggestAsync(HttpContext context, Finder finder, string? q) =>
        Page.Of<Suggestions>(string.IsNullOrWhiteSpace(q) || q.Length > Finder.MaxText ? [] : await finder.SuggestAsync(q.Trim(), context.RequestAborted));

    private static ArchiveNumbers NumbersOf(Roster roster, IReadOnlyList<CoverageRow> rows, IReadOnlyList<CrawlRunRecord> runs) => new(
        rows.Sum(r => r.Known),
        rows.Sum(r => r.Published),
        rows.Select(r => r.Distro).Distinct().Count(),
        rows.Select(r => r.Arch).Distinct().Count(),
        roster.Recent.Count > 0 ? roster.Recent[0].PublishedAt : null,
        runs.Where(run => run.Finished is not null && run.Result is { Error: null }).Select(run => run.Finished).FirstOrDefault());

    private static IEnumerable<DistroNumbers> DistrosOf(IReadOnlyList<CoverageRow> rows) => rows.GroupBy(row => row.Distro)
        .Select(group => new DistroNumbers(group.Key, group.Select(r => r.Version).Distinct().Count(), group.Select(r => r.Arch).Distinct().Count(), group.Sum(r => r.Published), group.Sum(r => r.Known)))
        .OrderByDescending(distro => distro.Published).ThenBy(distro => distro.Distro, StringComparer.Ordinal);
}
