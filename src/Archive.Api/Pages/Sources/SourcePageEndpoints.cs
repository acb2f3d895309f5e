using Archive.Api.Endpoints;
using Archive.Api.Kernels;
using Archive.Crawler.Scheduling;
using Archive.Crawler.Sources;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Archive.Api.Pages.Sources;

/// <summary>Sources, their crawls, what failed, and for administrators the buttons to try again.</summary>
public static class SourcePageEndpoints
{
    private const int RunCount = 40, FailureCount = 30, AllRuns = 1000;

    public static void MapSourcePages(this WebApplication app)
    {
        app.MapPage("/sources", ListAsync);
        app.MapPage("/sources/{name}", GetAsync);
        app.MapAction("/sources/{name}/crawl", CrawlAsync).ForAdministrators();
        app.MapAction("/kernels/{distro}/{version}/{arch}/{uname}/retry", RetryAsync).ForAdministrators();
    }

    private static async Task<IResult> ListAsync(ICatalogue catalogue, IServiceProvider services, CancellationToken cancellation)
    {
        var runs = await catalogue.RunsAsync(null, AllRuns, cancellation);
        var options = services.GetService<CrawlerOptions>();
        var names = runs.Select(run => run.Source).Concat(EnabledIn(options)).Distinct().Order(StringComparer.Ordinal);
        return Page.Of<SourcesPage>(new SourcesModel([.. names.Select(name => StateOf(name, options, runs))], [.. runs.Take(RunCount)], options is not null));
    }

    private static async Task<IResult> GetAsync(string name, ICatalogue catalogue, KernelRoster rosters, IServiceProvider services, string? done, CancellationToken cancellation)
    {
        var runs = await catalogue.RunsAsync(name, RunCount, cancellation);
        var options = services.GetService<CrawlerOptions>();
        if (runs.Count == 0 && !EnabledIn(options).Contains(name))
            return Page.Problem(StatusCodes.Status404NotFound, "No such source", $"'{name}' is not crawled here, and never was.");
        var failures = (await rosters.GetAsync(cancellation)).Builds
            .Where(build => build.Key.Distro == DistroOf(name) && build.Outcome is not (Outcome.Published or Outcome.Native or Outcome.Pending or Outcome.Withdrawn))
            .OrderByDescending(build => build.Updated).ToList();
        return Page.Of<SourcePage>(new SourceModel(StateOf(name, options, runs), runs, [.. failures.Take(FailureCount)], failures.Count, options is not null, done == "crawl" ? "The crawl is started." : null));
    }

    private static async Task<IResult> CrawlAsync(string name, IServiceProvider services, CancellationToken cancellation) =>
        Shown(await AdminEndpoints.CrawlAsync(name, services, cancellation), $"/sources/{Uri.EscapeDataString(name)}?done=crawl");

    private static async Task<IResult> RetryAsync(
        HttpContext context, string distro, string version, string arch, string uname, KernelIndex index, ICatalogue catalogue, TimeProvider clock)
    {
        var build = (await context.Request.ReadFormAsync(context.RequestAborted))["package_version"].ToString();
        var result = await AdminEndpoints.RetryBuildAsync(distro, version, arch, uname, build.Length > 0 ? build : null, index, catalogue, clock, context.RequestAborted);
        return Shown(result, $"/kernels/{distro}/{version}/{arch}/{uname}");
    }

    /// <summary>What the API's action answered, as a page: its problem, or the way back.</summary>
    private static IResult Shown(IResult result, string back) => result is ProblemHttpResult { ProblemDetails: var problem } failed
        ? Page.Problem(failed.StatusCode, problem.Title ?? "That did not work", problem.Detail ?? "")
        : Results.Redirect(back);

    private static SourceState StateOf(string name, CrawlerOptions? options, IReadOnlyList<CrawlRunRecord> runs) =>
        new(name, options?.Sources.GetValueOrDefault(name) is { Enabled: true } settings ? settings.Cron ?? SourceFiles.BuiltIn(name)?.Cron ?? "set elsewhere" : null, runs.FirstOrDefault(run => run.Source == name));

    private static IEnumerable<string> EnabledIn(CrawlerOptions? options) => options?.Sources.Where(source => source.Value.Enabled).Select(source => source.Key) ?? [];

    /// <summary>Some distros have several sources.</summary>
    private static string DistroOf(string source) => SourceFiles.BuiltIn(source)?.Distro ?? source;
}
