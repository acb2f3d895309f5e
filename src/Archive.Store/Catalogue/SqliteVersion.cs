using System.Diagnostics;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Archive.Store.Catalogue;

/// <summary>
/// Whether anything was committed to the file. SQLite tells each connection whether others did so since it asked last (<c>PRAGMA data_version</c>), so
/// one connection, which never writes, asks for all. Asking takes locks of the file, a sixth of what a look-up costs, so it is not done each time.
/// </summary>
internal sealed class SqliteVersion : IDisposable
{
    /// <summary>So long may pass before what another process committed is noticed.</summary>
    private static readonly long Patience = Stopwatch.Frequency / 100;

    /// <summary>Versions are numbers of this process: one that is opened anew, after an error, never gives those of an earlier one.</summary>
    private static long _lastVersion;

    private readonly SqliteConnection _connection;
    private readonly sqlite3_stmt _statement;
    private readonly Lock _lock = new();
    private long _last, _version, _known;

    /// <param name="connection">Is closed with this object.</param>
    public SqliteVersion(SqliteConnection connection)
    {
        _connection = connection;
        Check(raw.sqlite3_prepare_v2(connection.Handle, "PRAGMA data_version", out _statement));
    }

    /// <summary>This process has committed something.</summary>
    public void Forget()
    {
        lock (_lock)
            Volatile.Write(ref _known, 0);
    }

    /// <exception cref="SqliteException">The file cannot be read.</exception>
    public long Get()
    {
        if (Stopwatch.GetTimestamp() - Volatile.Read(ref _known) < Patience)
            return Volatile.Read(ref _version);
        lock (_lock)
        {
            var now = Stopwatch.GetTimestamp();
            var asked = Ask();
            if (asked != _last)
                Volatile.Write(ref _version, Interlocked.Increment(ref _lastVersion));
            _last = asked;
            Volatile.Write(ref _known, now);
            return _version;
        }
    }

    private long Ask()
    {
        try
        {
            Check(raw.sqlite3_step(_statement));
            return raw.sqlite3_column_int64(_statement, 0);
        }
        finally
        {
            _ = raw.sqlite3_reset(_statement);
        }
    }

    public void Dispose()
    {
        lock (_lock)
        {
            _statement.Dispose();
            _connection.Dispose();
        }
    }

    private void Check(int status)
    {
        if (status is not raw.SQLITE_OK and not raw.SQLITE_ROW)
            SqliteException.ThrowExceptionForRC(status, _connection.Handle);
    }
}
