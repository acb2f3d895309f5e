using System.Data.Common;
using System.Runtime.CompilerServices;
using Dapper;
using Microsoft.Data.Sqlite;

namespace Archive.Store.Catalogue;

/// <summary>The catalogue in one SQLite file, which any number of processes on the machine may have open.</summary>
public sealed class SqliteCatalogue(string path, TimeProvider clock) : SqlCatalogue(new SqliteDialect(path), clock)
{
    private sealed class SqliteDialect : SqlDialect
    {
        /// <summary>For a commit that outlives a slow disk; writers queue here instead of failing.</summary>
        private const int BusySeconds = 60;

        private readonly string _path, _connectionString;

        /// <summary>Handles of pooled connections, which keep what was set on them.</summary>
        private readonly ConditionalWeakTable<object, object> _prepared = [];

        private SqliteVersion? _version;

        public SqliteDialect(string path)
        {
            SQLitePCL.Batteries_V2.Init();
            _path = path;
            _connectionString = new SqliteConnectionStringBuilder { DataSource = path, DefaultTimeout = BusySeconds }.ToString();
        }

        /// <summary>AUTOINCREMENT: an id is never given twice, even after a deletion.</summary>
        public override string IdentityColumn => "INTEGER PRIMARY KEY AUTOINCREMENT";

        /// <summary>BINARY is SQLite's default collation.</summary>
        public override string TextColumn => "TEXT";

        /// <summary>Once for each row.</summary>
        public override string Trigger(string name, RowChange change, string table, string statements) =>
            $"CREATE TRIGGER {name} AFTER {change} ON {table} BEGIN {statements} END;";

        public override string Rows(bool areNew, IEnumerable<string> columns) =>
            $"(SELECT {string.Join(", ", columns.Select(c => $"{(areNew ? "NEW" : "OLD")}.{c} AS {c}"))})";

        /// <summary>FULL: in WAL mode a lower level may lose the last commits in a power cut.</summary>
        public override async Task<DbConnection> OpenAsync(CancellationToken cancellation)
        {
            var connection = new SqliteConnection(_connectionString);
            try
            {
                await connection.OpenAsync(cancellation);
                if (!_prepared.TryGetValue(connection.Handle!, out _))
                    await SetUpAsync(connection);
                return connection;
            }
            catch
            {
                await connection.DisposeAsync();
                throw;
            }
        }

        private async Task SetUpAsync(SqliteConnection connection)
        {
            await connection.ExecuteAsync(
                $"PRAGMA busy_timeout = {BusySeconds * 1000}; PRAGMA synchronous = FULL; PRAGMA case_sensitive_like = ON;");
            _prepared.AddOrUpdate(connection.Handle!, this);
        }

        public override Task<PreparedQuery> PrepareQueryAsync(string sql, CancellationToken cancellation) =>
            Task.FromResult<PreparedQuery>(SqliteQuery.Open(_path, TimeSpan.FromSeconds(BusySeconds), sql));

        public override async ValueTask<long?> VersionAsync(CancellationToken cancellation)
        {
            try
            {
                return (_version ?? await OpenVersionAsync(cancellation)).Get();
            }
            catch (Exception e) when (e is SqliteException or ObjectDisposedException)
            {
                // The look-up itself reports what ails the file; the next question opens it anew.
                Interlocked.Exchange(ref _version, null)?.Dispose();
                return null;
            }
        }

        private async Task<SqliteVersion> OpenVersionAsync(CancellationToken cancellation)
        {
            var version = new SqliteVersion((SqliteConnection)await OpenAsync(cancellation));
            if (Interlocked.CompareExchange(ref _version, version, null) is not { } earlier)
                return version;
            version.Dispose();
            return earlier;
        }

        public override void Committed() => _version?.Forget();

        /// <summary>WAL: readers go on while one writes. It stays with the file, and cannot be set inside a transaction.</summary>
        public override Task PrepareAsync(DbConnection connection, CancellationToken cancellation) =>
            connection.ExecuteAsync("PRAGMA journal_mode = WAL");

        /// <summary>A deferred transaction would read first, and fail instead of waiting when another wrote meanwhile.</summary>
        public override string Begin => "BEGIN IMMEDIATE";

        /// <summary>In WAL mode a deferred transaction sees what its first read saw.</summary>
        public override string BeginSnapshot => "BEGIN DEFERRED";

        /// <summary>BEGIN IMMEDIATE is the lock.</summary>
        public override Task LockSchemaAsync(DbConnection connection) => Task.CompletedTask;

        /// <summary>A busy file is waited for by SQLite itself, and no other error passes by.</summary>
        public override bool IsTransient(DbException error) => false;

        protected override void Dispose(bool disposing)
        {
            _version?.Dispose();
            using var connection = new SqliteConnection(_connectionString);
            SqliteConnection.ClearPool(connection);
        }
    }
}
