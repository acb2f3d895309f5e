using System.Data.Common;
using Archive.Store.Kernels;

namespace Archive.Store.Catalogue;

/// <summary>A statement of one parameter, <c>@value</c>, that selects whole kernels, ready on a connection of its own. One caller at a time.</summary>
public abstract class PreparedQuery : IDisposable
{
    /// <exception cref="DbException">As the database has it.</exception>
    internal abstract ValueTask<IReadOnlyList<KernelRecord>> FindAsync(string value, CancellationToken cancellation);

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}

/// <summary>By the database's provider.</summary>
internal sealed class ProviderQuery : PreparedQuery
{
    private readonly DbConnection _connection;
    private readonly DbCommand _command;

    private ProviderQuery(DbConnection connection, string sql)
    {
        _connection = connection;
        _command = connection.CreateCommand();
        _command.CommandText = sql;
        var parameter = _command.CreateParameter();
        parameter.ParameterName = "@value";
        parameter.Value = "";
        _command.Parameters.Add(parameter);
    }

    public static async Task<PreparedQuery> OpenAsync(SqlDialect dialect, string sql, CancellationToken cancellation)
    {
        var query = new ProviderQuery(await dialect.OpenAsync(cancellation), sql);
        await query._command.PrepareAsync(cancellation);
        return query;
    }

    internal override async ValueTask<IReadOnlyList<KernelRecord>> FindAsync(string value, CancellationToken cancellation)
    {
        _command.Parameters[0].Value = value;
        await using var reader = await _command.ExecuteReaderAsync(cancellation);
        return await ReadAsync(reader, cancellation);
    }

    /// <param name="reader">Of rows as <see cref="KernelSql.Select"/> has them.</param>
    public static async Task<IReadOnlyList<KernelRecord>> ReadAsync(DbDataReader reader, CancellationToken cancellation)
    {
        var records = new List<KernelRecord>();
        while (await reader.ReadAsync(cancellation))
            records.Add(KernelRow.Read(new ReaderColumns(reader)).ToRecord());
        return records;
    }

    protected override void Dispose(bool disposing)
    {
        _command.Dispose();
        _connection.Dispose();
    }

    private readonly struct ReaderColumns(DbDataReader reader) : IKernelColumns
    {
        public string? Text(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

        public long? Number(int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);
    }
}
