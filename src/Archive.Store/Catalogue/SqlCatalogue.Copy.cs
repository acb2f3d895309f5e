using System.Data.Common;
using Dapper;

namespace Archive.Store.Catalogue;

/// <summary>A catalogue moved to another database, row by row.</summary>
public abstract partial class SqlCatalogue
{
    private static readonly string[] Tables = ["kernels", "chain", "audit", "crawl_runs", "listed_packages"];

    /// <summary>In one statement, which saves all but one of so many journeys to the server.</summary>
    private const int RowsAtOnce = 100;

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
        await dialect.SetTriggersAsync(target, "kernels", areOn: false);
        foreach (var table in Tables)
            rows += await CopyTableAsync(source, target, table, cancellation);
        await target.ExecuteAsync(CoverageSql.Recount);
        await dialect.SetTriggersAsync(target, "kernels", areOn: true);
        foreach (var table in Counted)
            await dialect.CountOnAsync(target, table);
        var sequence = await source.ExecuteScalarAsync<long>("SELECT value FROM change_counter WHERE id = 1");
        await target.ExecuteAsync("UPDATE change_counter SET value = @sequence WHERE id = 1", new { sequence });
        return rows;
    }

    private static async Task<long> CopyTableAsync(DbConnection source, DbConnection target, string table, CancellationToken cancellation)
    {
        await using var reader = await source.ExecuteReaderAsync($"SELECT * FROM {table}");
        var columns = Enumerable.Range(0, reader.FieldCount).Select(reader.GetName).ToList();
        await using var whole = InsertInto(target, table, columns, RowsAtOnce);
        var rows = 0L;
        for (var batch = await ReadRowsAsync(reader, cancellation); batch.Count > 0; batch = await ReadRowsAsync(reader, cancellation))
        {
            rows += batch.Count;
            await using var rest = batch.Count < RowsAtOnce ? InsertInto(target, table, columns, batch.Count) : null;
            await ExecuteAsync(rest ?? whole, batch, cancellation);
        }
        return rows;
    }

    private static async Task<List<object[]>> ReadRowsAsync(DbDataReader reader, CancellationToken cancellation)
    {
        var rows = new List<object[]>(RowsAtOnce);
        while (rows.Count < RowsAtOnce && await reader.ReadAsync(cancellation))
        {
            rows.Add(new object[reader.FieldCount]);
            reader.GetValues(rows[^1]);
        }
        return rows;
    }

    /// <summary>One statement that inserts so many rows, each value a parameter; not prepared, since the databases' numbers differ in width.</summary>
    private static DbCommand InsertInto(DbConnection target, string table, List<string> columns, int rows)
    {
        var insert = target.CreateCommand();
        for (var i = 0; i < rows * columns.Count; i++)
        {
            var parameter = insert.CreateParameter();
            (parameter.ParameterName, parameter.Value) = ($"@p{i}", DBNull.Value);
            insert.Parameters.Add(parameter);
        }
        var values = Enumerable.Range(0, rows).Select(row => $"({string.Join(", ", columns.Select((_, column) => $"@p{row * columns.Count + column}"))})");
        insert.CommandText = $"INSERT INTO {table} ({string.Join(", ", columns)}) VALUES {string.Join(", ", values)}";
        return insert;
    }

    private static Task<int> ExecuteAsync(DbCommand insert, List<object[]> rows, CancellationToken cancellation)
    {
        var i = 0;
        foreach (var value in rows.SelectMany(row => row))
            insert.Parameters[i++].Value = value;
        return insert.ExecuteNonQueryAsync(cancellation);
    }
}
