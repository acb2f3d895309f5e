using Archive.Api.Hosting;
using Archive.Api.Kernels;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Endpoints;

/// <summary>Kernels (unames) of one distro, version and arch, by the outcome of the build that came furthest.</summary>
/// <param name="Listed">By a source or an imported list, now or ever.</param>
/// <param name="Native">They ship BTF of their own, and the source's policy is to note that.</param>
/// <param name="Failed">Every build of them failed.</param>
/// <param name="Missing">Never tried, or without any package.</param>
/// <param name="Gone">No source lists them any more.</param>
/// <param name="Reasons">Outcomes of those that are not published, and how many have each.</param>
public sealed record ListedRow(
    string Distro, string Version, string Arch, long Listed, long Published, long Native, long Failed, long Missing, long Withdrawn, long Gone, IReadOnlyDictionary<string, long> Reasons)
{
    private static readonly string[] Published_ = [Outcome.Published.Text(), Outcome.Conflict.Text()];
    private static readonly string[] Missing_ = [Outcome.Pending.Text(), ListedGap.NoPackage];

    public static ListedRow Of(ListedCoverage place)
    {
        var (published, missing) = (Sum(Published_), Sum(Missing_));
        var (native, withdrawn) = (Sum(Outcome.Native.Text()), Sum(Outcome.Withdrawn.Text()));
        var reasons = place.Outcomes.Where(o => !Published_.Contains(o.Key)).ToDictionary();
        return new ListedRow(
            place.Distro, place.Version, place.Arch, place.Listed, published, native, place.Listed - published - native - missing - withdrawn, missing, withdrawn, place.Gone, reasons);

        long Sum(params string[] outcomes) => outcomes.Sum(o => place.Outcomes.GetValueOrDefault(o));
    }
}

public sealed record ListedDocument(IReadOnlyList<ListedRow> Coverage);

/// <summary>A kernel that is listed and has no BTF here.</summary>
/// <param name="Outcome">As in the coverage's reasons.</param>
/// <param name="GoneAt">When the last source ceased to list it; null while one does.</param>
public sealed record ListedGapDocument(string Place, string Outcome, string? Reason, DateTimeOffset FirstListed, DateTimeOffset? GoneAt);

/// <param name="Next">Path of the next page; null on the last.</param>
public sealed record ListedGaps(IReadOnlyList<ListedGapDocument> Gaps, string? Next);

/// <summary>Coverage against what there is: everything that sources and imported lists name, tried or not.</summary>
internal static class ListedEndpoints
{
    private const int Page = 500;

    private static readonly string[] Outcomes =
        [ListedGap.NoPackage, "pending", "no-debug-info", "download-failed", "signature-failed", "malformed", "unsupported", "withdrawn"];

    public static void MapListed(this RouteGroupBuilder coverage)
    {
        coverage.MapGet("/listed", CountAsync).AnswersSoon().ProducesProblem(StatusCodes.Status400BadRequest).Produces<ListedDocument>()
            .WithSummary("Of all kernels that sources and imported lists name, by distro, version and arch: published, native, failed, missing, with reasons");
        coverage.MapGet("/listed/gaps", GapsAsync).AnswersSoon().ProducesProblem(StatusCodes.Status400BadRequest).Produces<ListedGaps>()
            .WithSummary("Kernels that are listed and have no BTF here, each with the reason; in pages, by place");
    }

    private static async Task<IResult> CountAsync(HttpContext context, CoverageCounts counts, string? distro, string? version, string? arch)
    {
        if (FilterNames.Wrong(distro, version, arch, null) is { } wrong)
            return wrong;
        var wanted = Filter(distro, version, arch);
        var rows = (await counts.ListedAsync(context.RequestAborted)).Where(r =>
            (wanted.Distro ?? r.Distro) == r.Distro && (wanted.Version ?? r.Version) == r.Version && (wanted.Arch ?? r.Arch) == r.Arch);
        context.Response.Headers.CacheControl = "public, max-age=30";
        return TypedResults.Ok(new ListedDocument([.. rows.Select(ListedRow.Of)]));
    }

    private static async Task<IResult> GapsAsync(
        HttpContext context, ICatalogue catalogue, string? distro, string? version, string? arch, string? outcome, string? after)
    {
        if (outcome is not null && !Outcomes.Contains(outcome))
            return TypedResults.Problem($"'{outcome}' is no gap: {string.Join(", ", Outcomes)} are.", statusCode: StatusCodes.Status400BadRequest, title: "No such outcome");
        if (FilterNames.Wrong(distro, version, arch, null) is { } wrong)
            return wrong;
        var place = RawQuery.LiteralPlus(context.Request, "after") ?? after;
        var behind = place is null ? null : KeyOf(place);
        if (place is not null && behind is null)
            return TypedResults.Problem($"'{place}' is no place (distro/version/arch/uname).", statusCode: StatusCodes.Status400BadRequest, title: "No such place");
        var gaps = await catalogue.ListedGapsAsync(Filter(distro, version, arch) with { Outcome = outcome, After = behind, Limit = Page }, context.RequestAborted);
        return TypedResults.Ok(new ListedGaps([.. gaps.Select(Document)], gaps.Count == Page ? KernelEndpoints.NextOf(context.Request, gaps[^1].Key.ToString()) : null));
    }

    private static ListedFilter Filter(string? distro, string? version, string? arch) =>
        new() { Distro = KernelNames.Distro(distro), Version = KernelNames.Version(distro, version), Arch = KernelNames.Arch(arch) };

    internal static KernelKey? KeyOf(string place) => place.Split('/') is [var distro, var version, var arch, var uname] ? KernelNames.Key(distro, version, arch, uname) : null;

    private static ListedGapDocument Document(ListedGap gap) => new(gap.Key.ToString(), gap.Outcome, gap.Reason ?? ReasonOf(gap.Outcome), gap.FirstListed, gap.GoneAt);

    /// <summary>Of kernels that were never tried, which the catalogue has no words about.</summary>
    internal static string? ReasonOf(string outcome) => outcome switch
    {
        ListedGap.NoPackage => "a list of kernels names it, and no source has a package with its types",
        "pending" => "not tried yet",
        _ => null,
    };
}
