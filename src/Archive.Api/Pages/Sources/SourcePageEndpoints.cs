using Archive.Api.Endpoints;
using Archive.Api.Kernels;
using Archive.Crawler;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Microsoft.AspNetCore.Http.HttpResults;
using Quartz;

namespace Archive.Api.Pages.Sources;

/// <summary>Sources, their crawls, what failed, and for administrators the buttons to try again.</summary>
public static class SourcePageEndpoints
{
    private const int RunCount = 40, FailureCount = 30;

    public static void MapSourcePages(this WebApplication app)
    {
        app.Pages().MapGet("/sources", ListAsync);
        app.Pages().MapGet("/sources/{name}", GetAsync);
        app.Pages().MapPost("/sources/{name}/crawl", CrawlAsync).ForAdministrators();
        app.Pages().MapPost("/kernels/{distro}/{version}/{arch}/{uname}/retry", RetryAsync).ForAdministrators();
    }

    private static async Task<IResult> ListAsync(ICatalogue catalogue, SourceStatuses statuses, IServiceProvider services, CancellationToken cancellation)
    {
        var sources = (await statuses.AllAsync(cancellation)).OrderBy(source => source.State == "off").ThenBy(source => source.Id, StringComparer.Ordinal);
        return Page.Of<SourcesPage>(new SourcesModel([.. sources], await catalogue.RunsAsync(null, RunCount, cancellation), CanCrawl(services)));
    }

    private static async Task<IResult> GetAsync(
        string name, ICatalogue catalogue, SourceStatuses statuses, KernelRoster rosters, IServiceProvider services, string? done, CancellationToken cancellation)
    {
        if (await statuses.OneAsync(name, cancellation) is not { } source)
            return Page.Problem(StatusCodes.Status404NotFound, "No such source", $"'{name}' is no source of this archive.");
        var failures = (await rosters.GetAsync(cancellation)).Builds
            .Where(build => build.Key.Distro == source.Distro && build.Outcome is not (Outcome.Published or Outcome.Native or Outcome.Pending or Outcome.Withdrawn))
            .OrderByDescending(build => build.Updated).ToList();
        var runs = await catalogue.RunsAsync(source.Id, RunCount, cancellation);
        return Page.Of<SourcePage>(new SourceModel(source, runs, [.. failures.Take(FailureCount)], failures.Count, CanCrawl(services), done == "crawl" ? "The crawl is started." : null));
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

    private static bool CanCrawl(IServiceProvider services) => services.GetKeyedService<ISchedulerFactory>(CrawlerRegistration.SchedulerName) is not null;

    /// <summary>What the API's action answered, as a page: its problem, or the way back.</summary>
    private static IResult Shown(IResult result, string back) => result is ProblemHttpResult { ProblemDetails: var problem } failed
        ? Page.Problem(failed.StatusCode, problem.Title ?? "That did not work", problem.Detail ?? "")
        : Results.Redirect(back);
}
