using Archive.Api.Hosting;
using Archive.Api.Kernels;
using Archive.Store.Catalogue;

namespace Archive.Api.Endpoints;

public sealed record SourceList(IReadOnlyList<SourceStatus> Sources);

/// <param name="History">Its latest crawls, newest first.</param>
public sealed record SourceDetail(SourceStatus Source, IReadOnlyList<CrawlRunRecord> History);

/// <summary>Where kernels come from, and whether that still works.</summary>
public static class SourceEndpoints
{
    public static void MapSources(this WebApplication app)
    {
        var group = app.MapGroup("/v1/sources").WithTags("sources");
        group.MapGet("", async (SourceStatuses statuses, CancellationToken cancellation) => new SourceList(await statuses.AllAsync(cancellation)))
            .AnswersSoon().WithSummary("All sources: state, schedule, last crawl, age of the last success");
        group.MapGet("/{id}", GetAsync).AnswersSoon().WithSummary("One source with the history of its crawls").Produces<SourceDetail>().ProducesProblem(StatusCodes.Status404NotFound);
    }

    private static async Task<IResult> GetAsync(string id, SourceStatuses statuses, ICatalogue catalogue, CancellationToken cancellation, int limit = 20) =>
        await statuses.OneAsync(id, cancellation) is { } status
            ? TypedResults.Ok(new SourceDetail(status, await catalogue.RunsAsync(status.Id, Math.Clamp(limit, 1, 1000), cancellation)))
            : TypedResults.Problem($"'{id}' is no source.", statusCode: StatusCodes.Status404NotFound, title: "No such source");
}
