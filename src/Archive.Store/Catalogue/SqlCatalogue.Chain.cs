using System.Data.Common;
using Archive.Store.Kernels;
using Dapper;

namespace Archive.Store.Catalogue;

/// <summary>The chain of publications and withdrawals; an entry is written in the transaction of the change that it tells.</summary>
public abstract partial class SqlCatalogue
{
    private const string SelectHead = "SELECT position AS Position, hash AS Hash FROM chain ORDER BY position DESC LIMIT 1";

    public Task<ChainHead> ChainHeadAsync(CancellationToken cancellation) => UseAsync(HeadAsync, cancellation);

    public Task<IReadOnlyList<ChainEntry>> ChainAsync(long after, int limit, CancellationToken cancellation) => ReadAsync<ChainEntry>(
        "SELECT position AS Position, hash AS Hash, line AS Line FROM chain WHERE position > @after ORDER BY position LIMIT @limit", new { after, limit }, cancellation);

    public async Task<ChainHead> VisitPublishedAsync(Action<KernelRecord> visit, CancellationToken cancellation)
    {
        await using var connection = await InsistAsync(() => Dialect.OpenAsync(cancellation), cancellation);
        await connection.ExecuteAsync(Dialect.BeginSnapshot);
        try
        {
            var head = await HeadAsync(connection);
            await foreach (var row in connection.QueryUnbufferedAsync<KernelRow>(new KernelQuery(new KernelFilter()).AllPublishedInOrderOfTree()).WithCancellation(cancellation))
                visit(row.ToRecord());
            return head;
        }
        finally
        {
            await RollBackAsync(connection);
        }
    }

    private static async Task<ChainHead> HeadAsync(DbConnection connection) =>
        await connection.QuerySingleOrDefaultAsync<ChainHead>(SelectHead) ?? ChainHead.Empty;

    private static async Task AppendAsync(DbConnection connection, ChainEvent @event) =>
        await InsertAsync(connection, ChainEntry.After(await HeadAsync(connection), @event.ToLine()));

    private static Task InsertAsync(DbConnection connection, ChainEntry entry) =>
        connection.ExecuteAsync("INSERT INTO chain (position, hash, line) VALUES (@Position, @Hash, @Line)", entry);

    /// <summary>A catalogue from before there was a chain: what it has published comes in order of its last change.</summary>
    private static async Task BackfillChainAsync(DbConnection connection)
    {
        var head = await HeadAsync(connection);
        if (head.Position > 0)
            return;
        var rows = await connection.QueryAsync<KernelRow>($"{KernelSql.Select} WHERE published_at IS NOT NULL AND outcome IN ('published', 'conflict') ORDER BY sequence");
        foreach (var record in rows.Select(r => r.ToRecord()))
        {
            var entry = ChainEntry.After(head, ChainEvent.Published(record.Build, record.Publication!).ToLine());
            await InsertAsync(connection, entry);
            head = entry.Head;
        }
    }
}
