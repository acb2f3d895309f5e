using System.Data.Common;
using Dapper;

namespace Archive.Store.Catalogue;

/// <summary>A catalogue moved to another database, row by row.</summary>
public abstract partial class SqlCatalogue
{
    private static readonly string[] Tables = ["kernels", "chain", "audit", "crawl_runs", "listed_packages"];

    /// <summary>Those whose primary key the database counts up.</summary>
    private static readonly string[] Counted = ["kernels", "audit", "crawl_runs"];

    /// <summary>Copies all that this catalogue holds, as of one moment, into an empty one; sequence, ids and chain stay what they are.</summary>
    /// <returns>Rows copied.</returns>
    /// <exception cref="InvalidOperationException">The target is not empty; it is left as it was.</exception>
    public async Task<long> CopyToAsync(SqlCatalogue target, CancellationToken cancellation)
    {
        await InitialiseAsync(cancellation);
        await target.InitialiseAsync(cancellation);
        await using var source = await InsistAsync(() => Dialect.OpenAsync(cancellation), cancellation);
        await source.ExecuteAsync(Dialect.BeginSnapshot);
        try
        {
            long rows = 0;
            await target.TransactAsync(async connection =>
            {
                rows = await FillAsync(source, connection, target.Dialect, cancellation);
                return true;
            }, cancellation);
            return rows;
        }
        finally
        {
            await RollBackAsync(source);
        }
    }

    private static async Task<long> FillAsync(DbConnection source, DbConnection target, SqlDialect dialect, CancellationToken cancellation)
    {
        foreach (var table in Tables)
        {
            if (await target.ExecuteScalarAsync<long>($"SELECT COUNT(*) FROM {table}") > 0)
                throw new InvalidOperationException($"the catalogue that is to take the copy has rows in {table}");
        }
        long rows = 0;
        foreach (var table in Tables)
            rows += await CopyTableAsync(source, target, table, cancellation);
        foreach (var table in Counted)
            await dialect.CountOnAsync(target, table);
        var sequence = await source.ExecuteScalarAsync<long>("SELECT value FROM change_counter WHERE id = 1");
        await target.ExecuteAsync("UPDATE change_counter SET value = @sequence WHERE id = 1", new { sequence });
        return rows;
    }

    private static async Task<long> CopyTableAsync(DbConnection source, DbConnection target, string table, CancellationToken cancellation)
    {
        long rows = 0;
        await using var reader = await source.ExecuteReaderAsync($"SELECT * FROM {table}");
        var columns = Enumerable.Range(0, reader.FieldCount).Select(reader.GetName).ToList();
        await using var insert = target.CreateCommand();
        insert.CommandText = $"INSERT INTO {table} ({string.Join(", ", columns)}) VALUES ({string.Join(", ", columns.Select(c => "@" + c))})";
        for (; await reader.ReadAsync(cancellation); rows++)
        {
            insert.Parameters.Clear();
            for (var i = 0; i < columns.Count; i++)
            {
                var parameter = insert.CreateParameter();
                (parameter.ParameterName, parameter.Value) = ("@" + columns[i], reader.GetValue(i));
                insert.Parameters.Add(parameter);
            }
            await insert.ExecuteNonQueryAsync(cancellation);
        }
        return rows;
    }
}
