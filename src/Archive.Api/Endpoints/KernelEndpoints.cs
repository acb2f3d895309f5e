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
        Describe(app.MapGet("/v1/kernels", GetAsync)).WithSummary("Kernels known to the archive, in the order of their last change; with a pattern of unames (5.4.*) in the order of unames. What comes next has the address `next`.");
        Describe(app.MapGet("/v1/changes", (HttpContext context, ICatalogue catalogue, long since = 0, long after = 0, int limit = 100) =>
                GetAsync(context, catalogue, null, null, null, null, null, null, Math.Max(since, after), limit)))
            .WithSummary("Kernels that changed since a sequence number, each as it is now");
    }

    private static RouteHandlerBuilder Describe(RouteHandlerBuilder route) => route
        .WithTags("kernels")
        .Produces<KernelPage>()
        .ProducesProblem(StatusCodes.Status400BadRequest);

    private static async Task<IResult> GetAsync(
        HttpContext context, ICatalogue catalogue,
        string? distro, string? version, string? arch, string? uname, string? outcome, KernelPosition? behind, long after = 0, int limit = 100)
    {
        if (outcome is not null && OutcomeNames.Find(outcome) is null)
            return TypedResults.Problem($"'{outcome}' is no outcome.", statusCode: StatusCodes.Status400BadRequest);
        if (limit is < 1 or > MaxPage)
            return TypedResults.Problem($"limit is {limit}; it goes from 1 to {MaxPage}.", statusCode: StatusCodes.Status400BadRequest);
        if (FilterNames.Wrong(distro, version, arch, uname) is { } wrong)
            return wrong;
        if (behind is not null && uname is null)
            return TypedResults.Problem("behind goes on in a list by uname, and there is no uname.", statusCode: StatusCodes.Status400BadRequest);
        var filter = new KernelFilter
        {
            Distro = KernelNames.Distro(distro),
            Version = KernelNames.Version(distro, version),
            Arch = KernelNames.Arch(arch),
            UnamePattern = uname is null ? null : RawQuery.LiteralPlus(context.Request, "uname"),
            Outcome = OutcomeNames.Find(outcome),
            After = after,
            Behind = behind,
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
        return TypedResults.Ok(new KernelPage(page, records.Count > filter.Limit ? NextOf(context.Request, After(filter, records[filter.Limit - 1])) : null));
    }

    /// <summary>The same question from behind the record on.</summary>
    private static KernelFilter After(KernelFilter filter, KernelRecord last) =>
        filter.UnamePattern is null ? filter with { After = last.Sequence } : filter with { Behind = KernelPosition.Of(last) };

    private static string NextOf(HttpRequest request, KernelFilter next) => next.Behind is { } behind
        ? NextOf(request, behind.ToString(), "behind")
        : NextOf(request, next.After.ToString(CultureInfo.InvariantCulture));

    /// <summary>Path of the request, with another place to go on from; the rest of its query as it was written.</summary>
    internal static string NextOf(HttpRequest request, string after, string name = "after")
    {
        var kept = (request.QueryString.Value ?? "").TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries).Where(pair => pair.Split('=')[0] != name);
        return $"{request.Path.ToUriComponent()}?{string.Join('&', kept.Append($"{name}={Uri.EscapeDataString(after)}"))}";
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
                filter = After(filter, records[^1]);
        }
        while (records.Count == filter.Limit);
    }
}
