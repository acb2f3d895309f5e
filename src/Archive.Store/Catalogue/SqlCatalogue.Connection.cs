using System.Data.Common;
using Dapper;

namespace Archive.Store.Catalogue;

/// <summary>How statements reach the database, and what happens while it is away.</summary>
public abstract partial class SqlCatalogue : IDisposable
{
    /// <summary>Longer than a server's restart or a failover, shorter than the patience of those who wait for an answer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50), LastPause = TimeSpan.FromSeconds(2);

    /// <summary>Closes the kept and the pooled connections.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing)
    {
        _byUname.Dispose();
        _byBuildId.Dispose();
        Dialect.Dispose();
    }

    /// <summary>Statements that may be repeated, on a connection of their own.</summary>
    private Task<T> UseAsync<T>(Func<DbConnection, Task<T>> use, CancellationToken cancellation) => InsistAsync(async () =>
    {
        await using var connection = await Dialect.OpenAsync(cancellation);
        return await use(connection);
    }, cancellation);

    private async Task<IReadOnlyList<T>> ReadAsync<T>(string sql, object? parameters, CancellationToken cancellation) => await UseAsync(
        async connection => (await connection.QueryAsync<T>(new CommandDefinition(sql, parameters, cancellationToken: cancellation))).AsList(), cancellation);

    /// <summary>
    /// A transaction around the work, committed where it returns true. In statements, not by the provider's object: SQLite ends a
    /// transaction by itself when the disk is full, and that object's disposal would then throw over the cause. The work is done again
    /// where the database went away, even if that was after its commit: it finds its own change then.
    /// </summary>
    private Task TransactAsync(Func<DbConnection, Task<bool>> work, CancellationToken cancellation) => UseAsync(async connection =>
    {
        await connection.ExecuteAsync(Dialect.Begin);
        try
        {
            var isChanged = await work(connection);
            cancellation.ThrowIfCancellationRequested();
            await connection.ExecuteAsync(isChanged ? "COMMIT" : "ROLLBACK");
            if (isChanged)
                Dialect.Committed();
            return isChanged;
        }
        catch
        {
            await RollBackAsync(connection);
            throw;
        }
    }, cancellation);

    private static async Task RollBackAsync(DbConnection connection)
    {
        try
        {
            await connection.ExecuteAsync("ROLLBACK");
        }
        catch (Exception e) when (e is DbException or InvalidOperationException)
        {
            // It has ended already, or the connection has; the caller throws why.
        }
    }

    private async Task<T> InsistAsync<T>(Func<Task<T>> attempt, CancellationToken cancellation)
    {
        var started = TimeProvider.System.GetTimestamp();
        for (var pause = FirstPause; ; pause = TimeSpan.FromTicks(Math.Min(pause.Ticks * 2, LastPause.Ticks)))
        {
            try
            {
                return await attempt();
            }
            catch (DbException e) when (Dialect.IsTransient(e) && TimeProvider.System.GetElapsedTime(started) < Patience)
            {
                await Task.Delay(pause, cancellation);
            }
        }
    }
}
