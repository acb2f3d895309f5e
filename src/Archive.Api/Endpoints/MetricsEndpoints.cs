using System.Globalization;
using System.Text;
using Archive.Api.Kernels;
using Archive.Api.Observability;
using Archive.Crawler.Scheduling;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

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

    private static async Task<long> ConflictsAsync(ICatalogue catalogue, CancellationToken cancellation) =>
        (await catalogue.CoverageAsync(cancellation)).Where(c => c.Outcome == Outcome.Conflict.Text()).Sum(c => c.Builds);

    private static async Task<IResult> GetAsync(PrometheusListener listener, CoverageCounts counts, SourceStatuses sources, ICatalogue catalogue, ApiOptions options, IServiceProvider services, CancellationToken cancellation)
    {
        var text = new StringBuilder(listener.Write());
        var rows = await counts.RowsAsync(cancellation);
        text.Append("# TYPE btf_archive_kernels gauge\n");
        foreach (var (state, number) in new[] { ("published", rows.Sum(r => r.Published)), ("native", rows.Sum(r => r.Native)), ("failed", rows.Sum(r => r.Failed)), ("queued", rows.Sum(r => r.Missing)), ("withdrawn", rows.Sum(r => r.Withdrawn)), ("conflict", await ConflictsAsync(catalogue, cancellation)) })
            text.Append(CultureInfo.InvariantCulture, $"btf_archive_kernels{{state=\"{state}\"}} {number}\n");
        WriteSources(text, [.. (await sources.AllAsync(cancellation)).Where(s => s.State != "off" || s.Runs > 0)]);
        text.Append(CultureInfo.InvariantCulture, $"# TYPE btf_archive_disk_free_bytes gauge\nbtf_archive_disk_free_bytes {new DriveInfo(Path.GetFullPath(options.DataDirectory)).AvailableFreeSpace}\n");
        if (services.GetService<ExtractionQueue>() is { } queue)
            text.Append(CultureInfo.InvariantCulture, $"# TYPE btf_archive_queue_depth gauge\nbtf_archive_queue_depth {await queue.DepthAsync(cancellation)}\n");
        return TypedResults.Text(text.ToString(), ContentType);
    }

    /// <summary>A source that never succeeded is infinitely old: an alarm on the age goes off for it too.</summary>
    private static void WriteSources(StringBuilder text, IReadOnlyList<SourceStatus> sources)
    {
        Write("btf_archive_source_last_success_age_seconds", "gauge", s => s.LastSuccessAgeSeconds?.ToString(CultureInfo.InvariantCulture) ?? "+Inf");
        Write("btf_archive_source_running", "gauge", s => s.State == "running" ? "1" : "0");
        Write("btf_archive_source_failing_parts", "gauge", s => s.Failures.Count.ToString(CultureInfo.InvariantCulture));
        Write("btf_archive_source_runs_total", "counter", s => s.Runs.ToString(CultureInfo.InvariantCulture));
        Write("btf_archive_source_published_total", "counter", s => s.Published.ToString(CultureInfo.InvariantCulture));
        Write("btf_archive_source_failed_total", "counter", s => s.Failed.ToString(CultureInfo.InvariantCulture));
        Write("btf_archive_source_downloaded_bytes_total", "counter", s => s.DownloadedBytes.ToString(CultureInfo.InvariantCulture));

        void Write(string name, string type, Func<SourceStatus, string> value)
        {
            text.Append(CultureInfo.InvariantCulture, $"# TYPE {name} {type}\n");
            foreach (var source in sources)
                text.Append(CultureInfo.InvariantCulture, $"{name}{{source=\"{source.Id}\"}} {value(source)}\n");
        }
    }
}
