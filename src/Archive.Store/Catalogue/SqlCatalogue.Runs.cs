using System.Text.Json;
using Dapper;

namespace Archive.Store.Catalogue;

public abstract partial class SqlCatalogue
{
    private const string SelectRuns = """
        SELECT id AS Id, source AS Source, started AS Started, finished AS Finished, found AS Found, added AS Added,
          published AS Published, failed AS Failed, downloaded_bytes AS DownloadedBytes, error AS Error, outcomes AS Outcomes,
          state AS State, updated AS Updated, doing AS Doing, failures AS Failures
        FROM crawl_runs
        """;

    private const string SelectSourceRuns = """
        SELECT source AS Source, COUNT(*) AS Runs, MAX(CASE WHEN state IN ('complete', 'partial') THEN finished END) AS LastSuccess,
          MAX(CASE WHEN state = 'complete' THEN finished END) AS LastComplete, COALESCE(SUM(published), 0) AS Published,
          COALESCE(SUM(failed), 0) AS Failed, CAST(COALESCE(SUM(downloaded_bytes), 0) AS BIGINT) AS DownloadedBytes
        FROM crawl_runs GROUP BY source ORDER BY source
        """;

    private const string SetRun = """
        UPDATE crawl_runs SET updated = @now, finished = @finished, state = @state, doing = @doing, found = @Found, added = @New,
          published = @Published, failed = @Failed, downloaded_bytes = @DownloadedBytes, error = @Error, outcomes = @Outcomes, failures = @Failures
        WHERE id = @runId
        """;

    public Task<long> StartRunAsync(string source, CancellationToken cancellation) => UseAsync(
        connection => connection.ExecuteScalarAsync<long>(new CommandDefinition(
            "INSERT INTO crawl_runs (source, started) VALUES (@source, @now) RETURNING id",
            new { source = SqlText.Storable(source), now = clock.GetUtcNow().ToUnixTimeMilliseconds() }, cancellationToken: cancellation)),
        cancellation);

    public Task NoteProgressAsync(long runId, CrawlRunResult soFar, string? doing, CancellationToken cancellation) =>
        SetRunAsync(runId, soFar, doing, isFinished: false, cancellation);

    public Task FinishRunAsync(long runId, CrawlRunResult result, CancellationToken cancellation) =>
        SetRunAsync(runId, result, null, isFinished: true, cancellation);

    public async Task<IReadOnlyList<CrawlRunRecord>> RunsAsync(string? source, int limit, CancellationToken cancellation)
    {
        var rows = await ReadAsync<RunRow>(
            $"{SelectRuns} WHERE @source IS NULL OR source = @source ORDER BY id DESC LIMIT @limit",
            new { source = source is null ? null : SqlText.Storable(source), limit }, cancellation);
        var now = clock.GetUtcNow();
        return [.. rows.Select(row => row.ToRecord(now))];
    }

    public async Task<IReadOnlyList<SourceRuns>> SourceRunsAsync(CancellationToken cancellation) =>
        [.. (await ReadAsync<SourceRow>(SelectSourceRuns, null, cancellation)).Select(r => new SourceRuns(
            r.Source, r.Runs, FromMilliseconds(r.LastSuccess), FromMilliseconds(r.LastComplete), r.Published, r.Failed, r.DownloadedBytes))];

    private Task SetRunAsync(long runId, CrawlRunResult result, string? doing, bool isFinished, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        return UseAsync(connection => connection.ExecuteAsync(new CommandDefinition(SetRun, new
        {
            runId,
            now,
            finished = isFinished ? now : (long?)null,
            state = isFinished ? result.State.ToString().ToLowerInvariant() : null,
            doing = Storable(doing),
            result.Found,
            result.New,
            result.Published,
            result.Failed,
            result.DownloadedBytes,
            Error = Storable(result.Error),
            Outcomes = JsonSerializer.Serialize(result.Outcomes),
            Failures = JsonSerializer.Serialize(result.Failures),
        }, cancellationToken: cancellation)), cancellation);
    }

    private static string? Storable(string? text) => text is null ? null : SqlText.Storable(text);

    private sealed class RunRow
    {
        public long Id { get; init; }
        public string Source { get; init; } = "";
        public long Started { get; init; }
        public long? Finished { get; init; }
        public int Found { get; init; }
        public int Added { get; init; }
        public int Published { get; init; }
        public int Failed { get; init; }
        public long DownloadedBytes { get; init; }
        public string? Error { get; init; }
        public string? Outcomes { get; init; }
        public string? State { get; init; }
        public long? Updated { get; init; }
        public string? Doing { get; init; }
        public string? Failures { get; init; }

        public CrawlRunRecord ToRecord(DateTimeOffset now)
        {
            var updated = FromMilliseconds(Updated ?? Finished ?? Started)!.Value;
            var silent = now - updated > CrawlRunRecord.AliveFor ? CrawlRunState.Interrupted : CrawlRunState.Running;
            return new(Id, Source, FromMilliseconds(Started)!.Value, FromMilliseconds(Finished), (Finished ?? Updated) is null ? null : Result())
            {
                State = Finished is null ? silent : State is null ? Result().State : Enum.Parse<CrawlRunState>(State, ignoreCase: true),
                Updated = updated,
                Doing = Doing,
            };
        }

        private CrawlRunResult Result() => new(Found, Added, Published, Failed, DownloadedBytes, Error)
        {
            Outcomes = Outcomes is null ? [] : JsonSerializer.Deserialize<Dictionary<string, int>>(Outcomes)!,
            Failures = Failures is null ? [] : JsonSerializer.Deserialize<string[]>(Failures)!,
            IsBroken = State == "failed",
        };
    }

    private sealed class SourceRow
    {
        public string Source { get; init; } = "";
        public long Runs { get; init; }
        public long? LastSuccess { get; init; }
        public long? LastComplete { get; init; }
        public long Published { get; init; }
        public long Failed { get; init; }
        public long DownloadedBytes { get; init; }
    }
}
