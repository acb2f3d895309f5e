using Archive.Api.Kernels;
using Archive.Store.Catalogue;

namespace Archive.Api.Endpoints;

/// <summary>How the last crawls went.</summary>
public static class RunEndpoints
{
    public static void MapRuns(this WebApplication app) => app.MapGet("/v1/runs", async (ICatalogue catalogue, string? source, int limit = 20, CancellationToken cancellation = default) =>
            new RunList(await catalogue.RunsAsync(source, Math.Clamp(limit, 1, 1000), cancellation)))
        .WithTags("runs")
        .WithSummary("The latest crawl runs, newest first");
}
