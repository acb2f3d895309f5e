using System.Text.Json;
using Dapper;

namespace Archive.Store.Catalogue;

public abstract partial class SqlCatalogue
{
    public Task<long> StartRunAsync(string source, CancellationToken cancellation) => UseAsync(
        connection => connection.ExecuteScalarAsync<long>(new CommandDefinition(
            "INSERT INTO crawl_runs (source, started) VALUES (@source, @now) RETURNING id",
            new { source = SqlText.Storable(source), now = clock.GetUtcNow().ToUnixTimeMilliseconds() }, cancellationToken: cancellation)),
        cancellation);

    public Task FinishRunAsync(long runId, CrawlRunResult result, CancellationToken cancellation) => UseAsync(
        connection => connection.ExecuteAsync(new CommandDefinition(
            """
            UPDATE crawl_runs SET finished = @now, found = @Found, added = @New, published = @Published, failed = @Failed,
              downloaded_bytes = @DownloadedBytes, error = @Error, outcomes = @Outcomes
            WHERE id = @runId
            """,
            new
            {
                runId,
                now = clock.GetUtcNow().ToUnixTimeMilliseconds(),
                result.Found,
                result.New,
                result.Published,
                result.Failed,
                result.DownloadedBytes,
                Error = result.Error is { } error ? SqlText.Storable(error) : null,
                Outcomes = JsonSerializer.Serialize(result.Outcomes),
            },
            cancellationToken: cancellation)),
        cancellation);

    public async Task<IReadOnlyList<CrawlRunRecord>> RunsAsync(string? source, int limit, CancellationToken cancellation)
    {
        var rows = await ReadAsync<RunRow>(
            """
            SELECT id AS Id, source AS Source, started AS Started, finished AS Finished, found AS Found, added AS Added,
              published AS Published, failed AS Failed, downloaded_bytes AS DownloadedBytes, error AS Error, outcomes AS Outcomes
            FROM crawl_runs WHERE @source IS NULL OR source = @source ORDER BY id DESC LIMIT @limit
            """,
            new { source = source is null ? null : SqlText.Storable(source), limit }, cancellation);
        return [.. rows.Select(row => row.ToRecord())];
    }

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

        public CrawlRunRecord ToRecord() => new(
            Id,
            Source,
            DateTimeOffset.FromUnixTimeMilliseconds(Started),
            Finished is { } finished ? DateTimeOffset.FromUnixTimeMilliseconds(finished) : null,
            Finished is null ? null : new CrawlRunResult(Found, Added, Published, Failed, DownloadedBytes, Error)
            {
                Outcomes = Outcomes is null ? [] : JsonSerializer.Deserialize<Dictionary<string, int>>(Outcomes)!,
            });
    }
}
