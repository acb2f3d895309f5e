using System.Globalization;
using System.Text.Json;
using Archive.Api.Kernels;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Archive.Api.Endpoints;

/// <summary>The list of kernels: filtered, paged, or streamed as lines of JSON.</summary>
public static class KernelEndpoints
{
    private const int MaxPage = 1000;
    private const string Lines = "application/x-ndjson";

    public static void MapKernels(this WebApplication app)
    {
        Describe(app.MapGet("/v1/kernels", GetAsync)).WithSummary("Kernels known to the archive, in the order of their last change");
        Describe(app.MapGet("/v1/changes", (HttpContext context, ICatalogue catalogue, long since = 0, long after = 0, int limit = 100) =>
                GetAsync(context, catalogue, null, null, null, null, null, Math.Max(since, after), limit)))
            .WithSummary("Kernels that changed since a sequence number, each as it is now");
    }

    private static RouteHandlerBuilder Describe(RouteHandlerBuilder route) => route
        .WithTags("kernels")
        .Produces<KernelPage>()
        .ProducesProblem(StatusCodes.Status400BadRequest);

    private static async Task<IResult> GetAsync(
        HttpContext context, ICatalogue catalogue,
        string? distro, string? version, string? arch, string? uname, string? outcome, long after = 0, int limit = 100)
    {
        if (outcome is not null && OutcomeNames.Find(outcome) is null)
            return TypedResults.Problem($"'{outcome}' is no outcome.", statusCode: StatusCodes.Status400BadRequest);
        if (limit is < 1 or > MaxPage)
            return TypedResults.Problem($"limit is {limit}; it goes from 1 to {MaxPage}.", statusCode: StatusCodes.Status400BadRequest);
        if (FilterNames.Wrong(distro, version, arch, uname) is { } wrong)
            return wrong;
        var filter = new KernelFilter
        {
            Distro = KernelNames.Distro(distro),
            Version = KernelNames.Version(distro, version),
            Arch = KernelNames.Arch(arch),
            UnamePattern = uname is null ? null : RawQuery.LiteralPlus(context.Request, "uname"),
            Outcome = OutcomeNames.Find(outcome),
            After = after,
            Limit = limit,
        };
        if (context.Request.Headers.Accept.ToString().Contains(Lines, StringComparison.OrdinalIgnoreCase))
            return TypedResults.Stream(body => WriteLinesAsync(body, catalogue, filter with { Limit = MaxPage }, context.RequestAborted), Lines);
        return await PageAsync(context, catalogue, filter);
    }

    private static async Task<Ok<KernelPage>> PageAsync(HttpContext context, ICatalogue catalogue, KernelFilter filter)
    {
        var records = await catalogue.ListAsync(filter with { Limit = filter.Limit + 1 }, context.RequestAborted);
        var page = records.Take(filter.Limit).Select(KernelDocument.Of).ToArray();
        var next = records.Count > filter.Limit ? NextOf(context.Request, page[^1].Sequence.ToString(CultureInfo.InvariantCulture)) : null;
        return TypedResults.Ok(new KernelPage(page, next));
    }

    /// <summary>Path of the request, with another <c>after</c>.</summary>
    internal static string NextOf(HttpRequest request, string after)
    {
        var query = request.Query.Where(q => q.Key != "after").ToDictionary(q => q.Key, q => (string?)q.Value.ToString());
        query["after"] = after;
        return request.Path + QueryString.Create(query);
    }

    private static async Task WriteLinesAsync(Stream body, ICatalogue catalogue, KernelFilter filter, CancellationToken cancellation)
    {
        IReadOnlyList<KernelRecord> records;
        do
        {
            records = await catalogue.ListAsync(filter, cancellation);
            foreach (var record in records)
            {
                await JsonSerializer.SerializeAsync(body, KernelDocument.Of(record), ApiJson.Default.KernelDocument, cancellation);
                await body.WriteAsync("\n"u8.ToArray(), cancellation);
            }
            if (records.Count > 0)
                filter = filter with { After = records[^1].Sequence };
        }
        while (records.Count == filter.Limit);
    }
}
