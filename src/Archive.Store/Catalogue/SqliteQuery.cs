using Archive.Store.Kernels;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Archive.Store.Catalogue;

/// <summary>
/// By SQLite's own functions: the provider's commands and readers take as long as the search in a million rows does, and so would
/// the locks by which SQLite lets threads share a connection.
/// </summary>
internal sealed class SqliteQuery : PreparedQuery
{
    /// <summary>
    /// With the file mapped, a look-up among a million rows touches eight pages of the system's cache; without, it copies most of them, which
    /// costs more than all the rest. What is beyond the mapping's most, 2 GiB, is read.
    /// </summary>
    private static readonly string MapFile = $"PRAGMA mmap_size = {int.MaxValue}";

    private readonly sqlite3 _database;
    private readonly sqlite3_stmt _statement;

    private SqliteQuery(sqlite3 database, sqlite3_stmt statement) => (_database, _statement) = (database, statement);

    /// <param name="patience">How long a busy file is waited for.</param>
    /// <exception cref="SqliteException">The file cannot be opened or read.</exception>
    public static SqliteQuery Open(string path, TimeSpan patience, string sql)
    {
        var status = raw.sqlite3_open_v2(path, out var database, raw.SQLITE_OPEN_READWRITE | raw.SQLITE_OPEN_NOMUTEX, null);
        try
        {
            Check(status, database);
            Check(raw.sqlite3_busy_timeout(database, (int)patience.TotalMilliseconds), database);
            Check(raw.sqlite3_exec(database, MapFile), database);
            Check(raw.sqlite3_prepare_v2(database, sql, out var statement), database);
            return new SqliteQuery(database, statement);
        }
        catch
        {
            database.Dispose();
            throw;
        }
    }

    internal override ValueTask<IReadOnlyList<KernelRecord>> FindAsync(string value, CancellationToken cancellation)
    {
        try
        {
            Check(raw.sqlite3_bind_text(_statement, 1, value), _database);
            var records = new List<KernelRecord>();
            int status;
            while ((status = raw.sqlite3_step(_statement)) == raw.SQLITE_ROW)
                records.Add(KernelRow.Read(new StatementColumns(_statement)).ToRecord());
            Check(status, _database);
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
        _database.Dispose();
    }

    private static void Check(int status, sqlite3 database)
    {
        if (status is not raw.SQLITE_OK and not raw.SQLITE_DONE)
            SqliteException.ThrowExceptionForRC(status, database);
    }

    private readonly struct StatementColumns(sqlite3_stmt statement) : IKernelColumns
    {
        /// <summary>Null for NULL.</summary>
        public string? Text(int column) => raw.sqlite3_column_text(statement, column).utf8_to_string();

        public long? Number(int column) =>
            raw.sqlite3_column_int64(statement, column) is var number and not 0 ? number : raw.sqlite3_column_type(statement, column) == raw.SQLITE_NULL ? null : 0;
    }
}
