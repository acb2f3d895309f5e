using Archive.Crawler.Scheduling;
using Archive.Crawler.Sources;
using Archive.Store.Catalogue;
using Quartz;

namespace Archive.Api.Kernels;

/// <summary>A source, and how it stands with its crawls.</summary>
/// <param name="State"><c>off</c> (not scheduled), <c>waiting</c> (never crawled yet), <c>running</c>, <c>ok</c>, <c>partial</c> (parts could not be read), <c>failing</c>.</param>
/// <param name="Schedule">Quartz cron expression, UTC; null for none.</param>
/// <param name="LastSuccess">End of the last crawl that went to its end, though parts may have failed.</param>
/// <param name="LastSuccessAgeSeconds">Since then; what to raise an alarm on. Null where there was none.</param>
/// <param name="LastComplete">End of the last crawl that read every part.</param>
/// <param name="Failures">Parts that the last crawl could not read or trust, or why it failed.</param>
/// <param name="Verified">Signatures are checked: the keyring is there.</param>
/// <param name="Unverified">Why the source goes without, where it does.</param>
public sealed record SourceStatus(
    string Id, string Distro, string Protocol, string State, string? Schedule, DateTimeOffset? NextRun, CrawlRunRecord? LastRun,
    DateTimeOffset? LastSuccess, long? LastSuccessAgeSeconds, DateTimeOffset? LastComplete, long Runs, long Published, long Failed, long DownloadedBytes,
    IReadOnlyList<string> Failures, IReadOnlyList<string> Releases, IReadOnlyList<string> Arches, bool Verified, string? Unverified);

/// <summary>Joins the sources' files, their schedules, and the catalogue's history of their crawls.</summary>
public sealed class SourceStatuses(SourceFiles files, SourceSchedules schedules, ICatalogue catalogue, TimeProvider clock)
{
    public async Task<IReadOnlyList<SourceStatus>> AllAsync(CancellationToken cancellation)
    {
        var sums = (await catalogue.SourceRunsAsync(cancellation)).ToDictionary(r => r.Source, StringComparer.OrdinalIgnoreCase);
        var statuses = new List<SourceStatus>();
        foreach (var source in files.All)
        {
            var sum = sums.GetValueOrDefault(source.Id);
            var runs = sum is null ? [] : await catalogue.RunsAsync(sum.Source, 2, cancellation);
            statuses.Add(Describe(source, sum ?? new SourceRuns(source.Id, 0, null, null, 0, 0, 0), runs));
        }
        return statuses;
    }

    /// <summary>Null where there is no such source.</summary>
    public async Task<SourceStatus?> OneAsync(string id, CancellationToken cancellation) =>
        (await AllAsync(cancellation)).FirstOrDefault(s => s.Id.Equals(id, StringComparison.OrdinalIgnoreCase));

    /// <param name="runs">The latest two, newest first: what the one before said stands while the next is under way.</param>
    private SourceStatus Describe(SourceDefinition source, SourceRuns sum, IReadOnlyList<CrawlRunRecord> runs)
    {
        var cron = schedules.Of(source);
        var now = clock.GetUtcNow();
        var ended = runs.FirstOrDefault(r => r.State != CrawlRunState.Running);
        var isVerified = source.Keyring is { } keyring && File.Exists(keyring);
        return new SourceStatus(
            source.Id, source.Distro, source.Protocol, StateOf(runs, cron), cron, cron is null ? null : NextOf(cron, now), runs is [var last, ..] ? last : null,
            sum.LastSuccess, sum.LastSuccess is { } success ? (long)(now - success).TotalSeconds : null, sum.LastComplete,
            sum.Runs, sum.Published, sum.Failed, sum.DownloadedBytes, FailuresOf(ended),
            [.. source.Releases.Select(r => r.Codename)], [.. source.Arches.Values.Distinct()], isVerified, isVerified ? null : source.Unverified);
    }

    private static string StateOf(IReadOnlyList<CrawlRunRecord> runs, string? cron) => (runs is [var last, ..] ? last.State : (CrawlRunState?)null) switch
    {
        CrawlRunState.Running => "running",
        _ when cron is null => "off",
        null => "waiting",
        CrawlRunState.Complete => "ok",
        CrawlRunState.Partial => "partial",
        _ => "failing",
    };

    private static IReadOnlyList<string> FailuresOf(CrawlRunRecord? run) => run switch
    {
        null => [],
        { State: CrawlRunState.Interrupted } => ["its process ended without a word"],
        { Result.Failures.Count: > 0 } => run.Result.Failures,
        { Result.Error: { } error } => [error],
        _ => [],
    };

    private static DateTimeOffset? NextOf(string cron, DateTimeOffset now) => new CronExpression(cron, TimeZoneInfo.Utc).GetNextValidTimeAfter(now);
}
