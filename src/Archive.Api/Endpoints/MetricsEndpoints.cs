using System.Globalization;
using System.Text;
using Archive.Api.Kernels;
using Archive.Api.Observability;
using Archive.Store.Catalogue;

namespace Archive.Api.Endpoints;

/// <summary>Prometheus metrics: requests by route and status, bytes, cache, runtime; and from the catalogue kernels by state and the age of crawls.</summary>
public static class MetricsEndpoints
{
    private const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    public static void MapMetrics(this WebApplication app)
    {
        foreach (var path in (string[])["/metrics", "/monitoring/metrics"])
            app.MapGet(path, GetAsync).ExcludeFromDescription();
    }

    private static async Task<IResult> GetAsync(PrometheusListener listener, CoverageCounts counts, ICatalogue catalogue, TimeProvider clock, CancellationToken cancellation)
    {
        var text = new StringBuilder(listener.Write());
        var rows = await counts.RowsAsync(cancellation);
        text.Append("# TYPE btf_archive_kernels gauge\n");
        foreach (var (state, number) in new[] { ("published", rows.Sum(r => r.Published)), ("native", rows.Sum(r => r.Native)), ("failed", rows.Sum(r => r.Failed)), ("queued", rows.Sum(r => r.Missing)), ("withdrawn", rows.Sum(r => r.Withdrawn)) })
            text.Append(CultureInfo.InvariantCulture, $"btf_archive_kernels{{state=\"{state}\"}} {number}\n");
        text.Append("# TYPE btf_archive_crawl_age_seconds gauge\n");
        foreach (var run in (await catalogue.RunsAsync(null, 100, cancellation)).Where(r => r.Finished is not null).DistinctBy(r => r.Source))
            text.Append(CultureInfo.InvariantCulture, $"btf_archive_crawl_age_seconds{{source=\"{run.Source}\"}} {(clock.GetUtcNow() - run.Finished!.Value).TotalSeconds:0}\n");
        return TypedResults.Text(text.ToString(), ContentType);
    }
}
