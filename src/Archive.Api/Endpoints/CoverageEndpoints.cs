using System.Globalization;
using System.Net;
using Archive.Api.Hosting;
using Archive.Api.Kernels;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Endpoints;

/// <summary>Builds of one distro, version and arch.</summary>
/// <param name="Known">Listed by an index that was crawled.</param>
/// <param name="Native">Kernels that ship BTF of their own: published all the same, or noted only.</param>
/// <param name="Missing">Not tried yet.</param>
/// <param name="Updated">Latest change of any of them.</param>
public sealed record CoverageRow(
    string Distro, string Version, string Arch, long Known, long Published, long Native, long Failed, long Missing, long Withdrawn, DateTimeOffset Updated);

/// <param name="LastCrawls">The latest crawl of each distro that is covered.</param>
public sealed record CoverageDocument(IReadOnlyList<CoverageRow> Coverage, CoverageRow? Total, IReadOnlyList<MissCrawl> LastCrawls);

/// <summary>A build without BTF, and why.</summary>
public sealed record CoverageGap(string Place, string Package, string Outcome, string? Reason, int Attempts, DateTimeOffset? RetryAt);

public sealed record CoverageGaps(IReadOnlyList<CoverageGap> Gaps, string? Next);

/// <summary>What is covered, what is not and why; and badges that say it in a README.</summary>
public static class CoverageEndpoints
{
    private const int GapPage = 500;
    private static readonly string[] GapOutcomes = ["pending", "no-debug-info", "download-failed", "signature-failed", "malformed", "unsupported"];

    public static void MapCoverage(this WebApplication app)
    {
        var group = app.MapGroup("/v1/coverage").WithTags("coverage");
        group.MapGet("", GetAsync).AnswersSoon().WithSummary("Numbers of kernels by distro, version and arch: published, native, failed, missing").Produces<CoverageDocument>();
        group.MapListed();
        group.MapGet("/gaps", GapsAsync).AnswersSoon().WithSummary("Kernels without BTF, each with the reason").Produces<CoverageGaps>().ProducesProblem(StatusCodes.Status400BadRequest);
        app.MapGet("/v1/badge.svg", BadgeAsync).WithTags("coverage").WithSummary("A badge of the coverage, for a README")
            .Produces(StatusCodes.Status200OK, contentType: "image/svg+xml");
    }

    private static async Task<IResult> GetAsync(HttpContext context, ICatalogue catalogue, CoverageCounts counts, string? distro, string? version, string? arch)
    {
        var rows = await RowsAsync(counts, distro, version, arch, context.RequestAborted);
        var crawls = new List<MissCrawl>();
        foreach (var name in rows.Select(r => r.Distro).Distinct())
            crawls.AddRange((await catalogue.RunsAsync(name, 1, context.RequestAborted)).Select(r => new MissCrawl(r.Source, r.Started, r.Finished, r.Result?.Error)));
        context.Response.Headers.CacheControl = "public, max-age=30";
        return TypedResults.Ok(new CoverageDocument(rows, Total(rows), crawls));
    }

    private static async Task<IResult> GapsAsync(
        HttpContext context, ICatalogue catalogue, string? distro, string? version, string? arch, string? outcome, long after = 0)
    {
        if (outcome is not null && !GapOutcomes.Contains(outcome))
            return TypedResults.Problem($"'{outcome}' is no gap: {string.Join(", ", GapOutcomes)} are.", statusCode: StatusCodes.Status400BadRequest, title: "No such outcome");
        if (FilterNames.Wrong(distro, version, arch, null) is { } wrong)
            return wrong;
        var records = await catalogue.ListAsync(new KernelFilter
        {
            Distro = KernelNames.Distro(distro),
            Version = KernelNames.Version(distro, version),
            Arch = KernelNames.Arch(arch),
            Outcome = OutcomeNames.Find(outcome),
            IsGap = outcome is null,
            After = after,
            Limit = GapPage,
        }, context.RequestAborted);
        var gaps = records.Select(r => new CoverageGap(
            r.Build.Key.ToString(), $"{r.Build.PackageName} {r.Build.PackageVersion}", r.Outcome.Text(), r.Reason, r.Attempts, r.RetryAt)).ToList();
        return TypedResults.Ok(new CoverageGaps(gaps, records.Count == GapPage ? KernelEndpoints.NextOf(context.Request, records[^1].Sequence.ToString(CultureInfo.InvariantCulture)) : null));
    }

    private static async Task<IResult> BadgeAsync(HttpContext context, CoverageCounts counts, string? distro, string? version, string? arch)
    {
        var total = Total(await RowsAsync(counts, distro, version, arch, context.RequestAborted));
        var name = string.Join(' ', new[] { "BTF", distro, version, arch }.OfType<string>());
        context.Response.Headers.CacheControl = "public, max-age=300";
        return TypedResults.Text(Badge(name[..Math.Min(name.Length, 60)], total), "image/svg+xml");
    }

    private static async Task<IReadOnlyList<CoverageRow>> RowsAsync(CoverageCounts counts, string? distro, string? version, string? arch, CancellationToken cancellation)
    {
        var (d, v, a) = (KernelNames.Distro(distro), KernelNames.Version(distro, version), KernelNames.Arch(arch));
        var all = await counts.RowsAsync(cancellation);
        return [.. all.Where(r => (distro is null || r.Distro == d) && (version is null || r.Version == v) && (arch is null || r.Arch == a))];
    }

    internal static CoverageRow? Total(IReadOnlyList<CoverageRow> rows) => rows.Count == 0 ? null : new CoverageRow(
        "*", "*", "*", rows.Sum(r => r.Known), rows.Sum(r => r.Published), rows.Sum(r => r.Native), rows.Sum(r => r.Failed), rows.Sum(r => r.Missing),
        rows.Sum(r => r.Withdrawn), rows.Max(r => r.Updated));

    /// <summary>Flat, 20 pixels high, some 7 pixels a letter.</summary>
    private static string Badge(string name, CoverageRow? total)
    {
        var share = total is null || total.Known == 0 ? 0 : 100.0 * total.Published / total.Known;
        var text = total is null ? "unknown" : string.Create(CultureInfo.InvariantCulture, $"{total.Published} of {total.Known} ({Math.Floor(share)}%)");
        var colour = total is null ? "#9f9f9f" : share switch { >= 95 => "#4c1", >= 80 => "#97ca00", >= 50 => "#dfb317", _ => "#e05d44" };
        var (left, right) = (name.Length * 7 + 12, text.Length * 7 + 12);
        return string.Create(CultureInfo.InvariantCulture, $"""
            <svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" aria-label="{WebUtility.HtmlEncode(name)}: {text}">
            <rect width="{left}" height="20" fill="#555"/><rect x="{left}" width="{right}" height="20" fill="{colour}"/>
            <g fill="#fff" text-anchor="middle" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">
            <text x="{left / 2}" y="14">{WebUtility.HtmlEncode(name)}</text><text x="{left + right / 2}" y="14">{text}</text></g></svg>

            """);
    }
}
