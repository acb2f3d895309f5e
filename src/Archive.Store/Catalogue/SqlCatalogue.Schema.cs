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
            await CheckAgreesAsync(connection, taken, steps.Count);
        for (var step = taken; step < steps.Count; step++)
        {
            await connection.ExecuteAsync(steps[step]);
            await connection.ExecuteAsync(
                "INSERT INTO schema_steps (step, taken) VALUES (@step, @now)",
                new { step = step + 1, now = clock.GetUtcNow().ToUnixTimeMilliseconds() });
        }
        if (taken >= steps.Count)
            return false;
        await connection.ExecuteAsync("UPDATE schema_steps SET needs = @needs WHERE step = @step", new { needs = SqlSchema.LastBreaking, step = steps.Count });
        await BackfillChainAsync(connection);
        return true;
    }

    /// <summary>
    /// In a rolling upgrade this version may start on a schema that the next one has taken further. That is right as long as the further steps
    /// only add; each version leaves the number of steps that a program must know to work with what it made.
    /// </summary>
    private static async Task CheckAgreesAsync(DbConnection connection, int taken, int known)
    {
        var needs = await connection.ExecuteScalarAsync<int>("SELECT COALESCE(needs, step) FROM schema_steps ORDER BY step DESC LIMIT 1");
        if (needs > known)
            throw new InvalidDataException($"the catalogue's schema is at step {taken} and needs a program that knows {needs}; this version knows {known}");
    }
}
