using System.Data.Common;
using Dapper;

namespace Archive.Store.Catalogue;

public abstract partial class SqlCatalogue
{
    /// <exception cref="InvalidDataException">The catalogue was written by a newer version of this program.</exception>
    public async Task InitialiseAsync(CancellationToken cancellation)
    {
        await UseAsync(async connection =>
        {
            await Dialect.PrepareAsync(connection, cancellation);
            return true;
        }, cancellation);
        await TransactAsync(MigrateAsync, cancellation);
    }

    private async Task<bool> MigrateAsync(DbConnection connection)
    {
        await Dialect.LockSchemaAsync(connection);
        await connection.ExecuteAsync(
            "CREATE TABLE IF NOT EXISTS schema_steps (step INTEGER PRIMARY KEY, taken BIGINT NOT NULL)");
        var taken = await connection.ExecuteScalarAsync<int>("SELECT COUNT(*) FROM schema_steps");
        var steps = SqlSchema.Steps(Dialect);
        if (taken > steps.Count)
            throw new InvalidDataException($"the catalogue's schema is at step {taken}; this version knows {steps.Count}");
        for (var step = taken; step < steps.Count; step++)
        {
            await connection.ExecuteAsync(steps[step]);
            await connection.ExecuteAsync(
                "INSERT INTO schema_steps (step, taken) VALUES (@step, @now)",
                new { step = step + 1, now = clock.GetUtcNow().ToUnixTimeMilliseconds() });
        }
        if (taken < steps.Count)
            await BackfillChainAsync(connection);
        return taken < steps.Count;
    }
}
