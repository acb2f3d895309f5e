using System.Globalization;
using System.Text;
using Archive.Api.Endpoints;
using Archive.Api.Kernels;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Pages.Coverage;

/// <summary>What is covered: the matrix, a place with its kernels over time, gaps, arrivals. What is shown is to be had as CSV and JSON too.</summary>
public static class CoveragePageEndpoints
{
    private const int MatrixRows = 40, PageLength = 50;
    private const int MaxPage = 100_000;

    public static void MapCoveragePages(this WebApplication app)
    {
        app.Pages().MapGet("/coverage", MatrixAsync);
        app.Pages().MapGet("/coverage.csv", CsvAsync);
        app.Pages().MapGet("/coverage.json", JsonAsync);
        app.Pages().MapGet("/coverage/gaps", GapsAsync);
        app.Pages().MapGet("/coverage/listed", ListedAsync);
        app.Pages().MapGet("/coverage/{distro}/{version}/{arch}", PlaceAsync);
        app.Pages().MapGet("/recent", RecentAsync);
        app.Pages().MapGet("/charts", ChartsAsync);
        app.Pages().MapGet("/feed.atom", FeedAsync);
    }

    private static async Task<IResult> MatrixAsync(HttpContext context, CoverageCounts counts, ICatalogue catalogue)
    {
        var filter = FilterOf(context.Request.Query);
        var all = await counts.RowsAsync(context.RequestAborted);
        var chosen = all.Where(filter.Matches).ToList();
        var rows = chosen.GroupBy(row => (row.Distro, row.Version))
            .OrderBy(group => group.Key.Distro, StringComparer.Ordinal).ThenByDescending(group => group.Key.Version, PackageVersionOrder.Instance)
            .Select(group => new MatrixRow(group.Key.Distro, group.Key.Version, group.ToDictionary(row => row.Arch))).ToList();
        var shown = rows.Skip((filter.Page - 1) * MatrixRows).Take(MatrixRows).ToList();
        var crawls = (await catalogue.RunsAsync(filter.Distro, 200, context.RequestAborted)).DistinctBy(run => run.Source).Take(30).ToList();
        return Page.Of<CoveragePage>(new MatrixModel(
            filter, Names(all, row => row.Distro), Archs(all), Archs(shown.SelectMany(row => row.ByArch.Values)), shown, rows.Count > filter.Page * MatrixRows, CoverageEndpoints.Total(chosen), crawls));
    }

    private static async Task<IResult> CsvAsync(HttpContext context, CoverageCounts counts)
    {
        var filter = FilterOf(context.Request.Query);
        var text = new StringBuilder("distro,version,arch,known,published,native,failed,missing,withdrawn,updated\n");
        foreach (var r in (await counts.RowsAsync(context.RequestAborted)).Where(filter.Matches))
            text.Append(CultureInfo.InvariantCulture, $"{r.Distro},{r.Version},{r.Arch},{r.Known},{r.Published},{r.Native},{r.Failed},{r.Missing},{r.Withdrawn},{r.Updated:yyyy-MM-ddTHH:mm:ssZ}\n");
        return TypedResults.Text(text.ToString(), "text/csv; charset=utf-8");
    }

    private static async Task<IResult> JsonAsync(HttpContext context, CoverageCounts counts)
    {
        var rows = (await counts.RowsAsync(context.RequestAborted)).Where(FilterOf(context.Request.Query).Matches).ToList();
        return TypedResults.Ok(new CoverageDocument(rows, CoverageEndpoints.Total(rows), []));
    }

    private static async Task<IResult> PlaceAsync(HttpContext context, KernelRoster rosters, string distro, string version, string arch)
    {
        var roster = await rosters.GetAsync(context.RequestAborted);
        var place = new Place(KernelNames.Distro(distro) ?? "", KernelNames.Version(distro, version) ?? "", KernelNames.Arch(arch) ?? "");
        if (roster.Find(place) is not { } shelf)
            return Page.Problem(StatusCodes.Status404NotFound, "Nothing is known of this place", $"No crawled index has listed kernels of {distro} {version} on {arch}.");
        var query = context.Request.Query;
        var (flavour, state, page) = (query["flavour"].FirstOrDefault(), Text(query["state"]), PageOf(query));
        var shown = shelf.Builds.Where(build => (flavour is null || build.Flavour == flavour) && (state is null || Show.State(build.Outcome) == state)).ToList();
        var flavours = shelf.Builds.CountBy(build => build.Flavour).OrderByDescending(f => f.Value).Select(f => (f.Key, f.Value)).ToList();
        if (query["format"] == "csv")
            return TypedResults.Text(Csv(shown), "text/csv; charset=utf-8");
        return Page.Of<PlacePage>(new PlaceModel(shelf, flavour, state, flavours, shown, Part(shown, page), page, shown.Count > page * PageLength));
    }

    private static async Task<IResult> GapsAsync(HttpContext context, KernelRoster rosters)
    {
        var roster = await rosters.GetAsync(context.RequestAborted);
        var query = context.Request.Query;
        var (distro, arch, outcome, page) = (KernelNames.Distro(Text(query["distro"])), KernelNames.Arch(Text(query["arch"])), Text(query["outcome"]), PageOf(query));
        var places = roster.Shelves.Where(shelf => (distro is null || shelf.Place.Distro == distro) && (arch is null || shelf.Place.Arch == arch));
        var gaps = places.SelectMany(shelf => shelf.Builds).Where(build => !build.IsServed && build.Outcome is not (Outcome.Withdrawn or Outcome.Native)).ToList();
        var outcomes = gaps.CountBy(build => build.Outcome).OrderByDescending(o => o.Value).Select(o => (o.Key, o.Value)).ToList();
        var shown = outcome is null ? gaps : gaps.Where(build => build.Outcome.Text() == outcome).ToList();
        if (query["format"] == "csv")
            return TypedResults.Text(Csv(shown), "text/csv; charset=utf-8");
        return Page.Of<GapsPage>(new GapsModel(
            distro, arch, outcome, [.. roster.Shelves.Select(s => s.Place.Distro).Distinct()], [.. roster.Shelves.Select(s => s.Place.Arch).Distinct().Order(StringComparer.Ordinal)],
            outcomes, Part(shown, page), page, shown.Count > page * PageLength));
    }

    private static async Task<IResult> RecentAsync(HttpContext context, KernelRoster rosters)
    {
        var (recent, page) = ((await rosters.GetAsync(context.RequestAborted)).Recent, PageOf(context.Request.Query));
        return Page.Of<RecentPage>(new RecentModel(Part(recent, page), page, recent.Count > page * PageLength));
    }

    private static async Task<IResult> ListedAsync(HttpContext context, CoverageCounts counts, ICatalogue catalogue)
    {
        var query = context.Request.Query;
        var (distro, arch, after) = (KernelNames.Distro(Text(query["distro"])), KernelNames.Arch(Text(query["arch"])), Text(query["after"]));
        var all = (await counts.ListedAsync(context.RequestAborted)).Select(ListedRow.Of).ToList();
        var outcomes = all.Where(row => (distro is null || row.Distro == distro) && (arch is null || row.Arch == arch)).SelectMany(row => row.Reasons)
            .Where(reason => reason.Key != Outcome.Native.Text()).GroupBy(reason => reason.Key).Select(group => (group.Key, group.Sum(reason => reason.Value))).OrderByDescending(o => o.Item2).ToList();
        var outcome = outcomes.Exists(o => o.Key == query["outcome"]) ? Text(query["outcome"]) : null;
        var filter = new ListedFilter { Distro = distro, Arch = arch, Outcome = outcome, After = after is null ? null : ListedEndpoints.KeyOf(after), Limit = PageLength + 1 };
        var gaps = await catalogue.ListedGapsAsync(filter, context.RequestAborted);
        return Page.Of<ListedPage>(new ListedModel(
            distro, arch, outcome, [.. all.Select(row => row.Distro).Distinct()], [.. all.Select(row => row.Arch).Distinct().Order(StringComparer.Ordinal)],
            outcomes, [.. gaps.Take(PageLength)], gaps.Count > PageLength ? gaps[PageLength - 1].Key.ToString() : null));
    }

    private static async Task<IResult> ChartsAsync(HttpContext context, Charts charts) => Page.Of<ChartsPage>(await charts.GetAsync(context.RequestAborted));

    private static async Task<IResult> FeedAsync(HttpContext context, KernelRoster rosters) =>
        TypedResults.Text(Feed.Write((await rosters.GetAsync(context.RequestAborted)).Recent, $"{context.Request.Scheme}://{context.Request.Host}"), "application/atom+xml; charset=utf-8");

    internal static string? Text(string? value) => string.IsNullOrWhiteSpace(value) ? null : value;

    internal static int PageOf(IQueryCollection query) => int.TryParse(query["page"], NumberStyles.None, CultureInfo.InvariantCulture, out var page) ? Math.Clamp(page, 1, MaxPage) : 1;

    private static CoverageFilter FilterOf(IQueryCollection query)
    {
        var distro = KernelNames.Distro(Text(query["distro"]));
        return new CoverageFilter(distro, KernelNames.Version(distro, Text(query["version"])), KernelNames.Arch(Text(query["arch"])), query["incomplete"] == "1", PageOf(query));
    }

    private static List<RosterBuild> Part(IReadOnlyList<RosterBuild> all, int page) => [.. all.Skip((page - 1) * PageLength).Take(PageLength)];

    private static List<string> Names(IEnumerable<CoverageRow> rows, Func<CoverageRow, string> name) => [.. rows.Select(name).Distinct().Order(StringComparer.Ordinal)];

    /// <summary>Those with the most kernels first.</summary>
    private static List<string> Archs(IEnumerable<CoverageRow> rows) => [.. rows.GroupBy(row => row.Arch).OrderByDescending(group => group.Sum(row => row.Known)).ThenBy(group => group.Key, StringComparer.Ordinal).Select(group => group.Key)];

    /// <summary>Reasons have any text in them: quoted, and never the beginning of a formula.</summary>
    private static string Csv(IEnumerable<RosterBuild> builds)
    {
        var text = new StringBuilder("distro,version,arch,uname,package,package_version,outcome,reason,published,raw_size,sha256\n");
        foreach (var b in builds)
            text.Append(CultureInfo.InvariantCulture, $"{b.Key.Distro},{b.Key.Version},{b.Key.Arch},{b.Key.Uname},{Quoted(b.Package)},{Quoted(b.PackageVersion)},{b.Outcome.Text()},{Quoted(b.Reason)},{b.PublishedAt:yyyy-MM-ddTHH:mm:ssZ},{b.RawSize},{b.RawSha256}\n");
        return text.ToString();

        static string Quoted(string? value) => value is null ? "" : $"\"{(value is ['=' or '+' or '-' or '@', ..] ? "'" : "")}{value.Replace("\"", "\"\"", StringComparison.Ordinal).ReplaceLineEndings(" ")}\"";
    }
}
