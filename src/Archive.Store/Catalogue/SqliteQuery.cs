using Archive.Store.Kernels;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Archive.Store.Catalogue;

/// <summary>By SQLite's own functions: the provider's commands and readers take as long as the search in a million rows does.</summary>
internal sealed class SqliteQuery : PreparedQuery
{
    private readonly SqliteConnection _connection;
    private readonly sqlite3_stmt _statement;

    public SqliteQuery(SqliteConnection connection, string sql)
    {
        _connection = connection;
        Check(raw.sqlite3_prepare_v2(connection.Handle, sql, out _statement));
    }

    internal override ValueTask<IReadOnlyList<KernelRecord>> FindAsync(string value, CancellationToken cancellation)
    {
        try
        {
            Check(raw.sqlite3_bind_text(_statement, 1, value));
            var records = new List<KernelRecord>();
            int status;
            while ((status = raw.sqlite3_step(_statement)) == raw.SQLITE_ROW)
                records.Add(KernelRow.Read(new StatementColumns(_statement)).ToRecord());
            Check(status);
            return ValueTask.FromResult<IReadOnlyList<KernelRecord>>(records);
        }
        finally
        {
            // Ends the reading transaction, too; it repeats the error of the step, if there was one.
            _ = raw.sqlite3_reset(_statement);
        }
    }

    protected override void Dispose(bool disposing)
    {
        _statement.Dispose();
        _connection.Dispose();
    }

    private void Check(int status)
    {
        if (status is not raw.SQLITE_OK and not raw.SQLITE_DONE)
            SqliteException.ThrowExceptionForRC(status, _connection.Handle);
    }

    private readonly struct StatementColumns(sqlite3_stmt statement) : IKernelColumns
    {
        /// <summary>Null for NULL.</summary>
        public string? Text(int column) => raw.sqlite3_column_text(statement, column).utf8_to_string();

        public long? Number(int column) =>
            raw.sqlite3_column_int64(statement, column) is var number and not 0 ? number : raw.sqlite3_column_type(statement, column) == raw.SQLITE_NULL ? null : 0;
    }
}
