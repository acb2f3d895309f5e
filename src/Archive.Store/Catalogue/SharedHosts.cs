using Dapper;
using Npgsql;

namespace Archive.Store.Catalogue;

/// <summary>What is known of a host that crawlers ask, by all workers of the cluster.</summary>
/// <param name="Failures">In a row.</param>
/// <param name="BytesToday">Received since midnight UTC.</param>
public sealed record SharedHost(int Failures, DateTimeOffset PausedUntil, long BytesToday);

/// <summary>
/// Politeness towards hosts, held in the catalogue's database so that workers on several machines are polite together. The row's own lock and the
/// server's clock decide; a worker that dies leaves nothing behind.
/// </summary>
public sealed class SharedHosts(string connectionString) : IDisposable
{
    private const string Now = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";

    /// <summary>Days since 1970, UTC.</summary>
    private const string Today = $"CAST({Now} / 86400000 AS INTEGER)";

    private readonly NpgsqlDataSource _source = NpgsqlDataSource.Create(connectionString);

    /// <summary>Takes the next turn to begin a request; how long to wait for it.</summary>
    /// <param name="distance">Between the beginnings of two requests.</param>
    public async Task<TimeSpan> TakeStartAsync(string host, TimeSpan distance, CancellationToken cancellation)
    {
        var wait = await QueryAsync<long>($"""
            INSERT INTO shared_hosts AS h (host, next_start) VALUES (@host, {Now} + @distance)
            ON CONFLICT (host) DO UPDATE SET next_start = GREATEST(h.next_start, {Now}) + @distance
            RETURNING next_start - @distance - {Now}
            """, new { host, distance = (long)Math.Ceiling(distance.TotalMilliseconds) }, cancellation);
        return TimeSpan.FromMilliseconds(Math.Max(0, wait));
    }

    public async Task<SharedHost> FindAsync(string host, CancellationToken cancellation)
    {
        var row = await QueryAsync<Row?>($"""
            SELECT failures AS Failures, paused_until AS PausedUntil, CASE WHEN day = {Today} THEN bytes ELSE 0 END AS Bytes FROM shared_hosts WHERE host = @host
            """, new { host }, cancellation) ?? new Row();
        return new SharedHost(row.Failures, DateTimeOffset.FromUnixTimeMilliseconds(row.PausedUntil), row.Bytes);
    }

    /// <summary>Adds what the host sent to what it sent today.</summary>
    public Task ReceivedAsync(string host, long bytes, CancellationToken cancellation) => QueryAsync<int>($"""
        INSERT INTO shared_hosts AS h (host, day, bytes) VALUES (@host, {Today}, @bytes)
        ON CONFLICT (host) DO UPDATE SET bytes = @bytes + CASE WHEN h.day = {Today} THEN h.bytes ELSE 0 END, day = {Today}
        RETURNING 0
        """, new { host, bytes }, cancellation);

    public Task SucceededAsync(string host, CancellationToken cancellation) =>
        QueryAsync<int>("UPDATE shared_hosts SET failures = 0 WHERE host = @host AND failures > 0 RETURNING 0", new { host }, cancellation);

    /// <summary>Counts a failure; from the given number in a row on the host is left alone, for a time that doubles.</summary>
    public Task FailedAsync(string host, int before, TimeSpan first, TimeSpan last, CancellationToken cancellation) => QueryAsync<int>($"""
        INSERT INTO shared_hosts AS h (host, failures) VALUES (@host, 1)
        ON CONFLICT (host) DO UPDATE SET failures = h.failures + 1, paused_until = CASE WHEN h.failures + 1 < @before THEN h.paused_until
          ELSE {Now} + LEAST(@last, @first * CAST(power(2, LEAST(h.failures + 1 - @before, 10)) AS BIGINT)) END
        RETURNING 0
        """, new { host, before, first = (long)first.TotalMilliseconds, last = (long)last.TotalMilliseconds }, cancellation);

    public void Dispose() => _source.Dispose();

    private async Task<T?> QueryAsync<T>(string sql, object parameters, CancellationToken cancellation)
    {
        await using var connection = await _source.OpenConnectionAsync(cancellation);
        return await connection.QueryFirstOrDefaultAsync<T>(new CommandDefinition(sql, parameters, cancellationToken: cancellation));
    }

    private sealed class Row
    {
        public int Failures { get; init; }
        public long PausedUntil { get; init; }
        public long Bytes { get; init; }
    }
}
