using System.Data.Common;

namespace Archive.Store.Catalogue;

/// <summary>What a trigger waits for.</summary>
public enum RowChange
{
    Insert,
    Update,
    Delete,
}

/// <summary>All that differs between the databases that hold a catalogue; the SQL itself is the same for each.</summary>
public abstract class SqlDialect : IDisposable
{
    /// <summary>Type and constraint of a primary key that the database counts up itself.</summary>
    public abstract string IdentityColumn { get; }

    /// <summary>A type for text that is compared and ordered by its bytes, on every machine alike.</summary>
    public abstract string TextColumn { get; }

    /// <summary>DDL of a trigger that runs statements, each with its semicolon, after a change; they find the rows that it touched by <see cref="Rows"/>.</summary>
    public abstract string Trigger(string name, RowChange change, string table, string statements);

    /// <summary>In a trigger: what stands behind FROM for the rows as they are now, or as they were.</summary>
    /// <param name="columns">Those that are asked for.</param>
    public abstract string Rows(bool areNew, IEnumerable<string> columns);

    /// <summary>An open connection, on which LIKE tells case.</summary>
    public abstract Task<DbConnection> OpenAsync(CancellationToken cancellation);

    /// <summary>A statement that is kept, on a connection of its own that is kept for reading.</summary>
    /// <param name="sql">Selects whole kernels (<c>KernelSql.Select</c>) by <c>@value</c>.</param>
    public virtual Task<PreparedQuery> PrepareQueryAsync(string sql, CancellationToken cancellation) => ProviderQuery.OpenAsync(this, sql, cancellation);

    /// <inheritdoc cref="ICatalogue.VersionAsync"/>
    public virtual ValueTask<long?> VersionAsync(CancellationToken cancellation) => ValueTask.FromResult<long?>(null);

    /// <summary>A transaction of this process has ended, and counts for the next version.</summary>
    public virtual void Committed()
    {
    }

    /// <summary>What has to hold of the database before the schema is touched; run outside a transaction.</summary>
    public virtual Task PrepareAsync(DbConnection connection, CancellationToken cancellation) => Task.CompletedTask;

    /// <summary>Begins a transaction whose reads, once it has written, see all that others committed.</summary>
    public abstract string Begin { get; }

    /// <summary>Begins a transaction that only reads, all of it as of one moment.</summary>
    public abstract string BeginSnapshot { get; }

    /// <summary>Makes other processes wait that would migrate at the same time, until the transaction ends.</summary>
    public abstract Task LockSchemaAsync(DbConnection connection);

    /// <summary>Lets the table's own count of ids go on behind the ids that were written into it; nothing is to be done where the database sees them.</summary>
    public virtual Task CountOnAsync(DbConnection connection, string table) => Task.CompletedTask;

    /// <summary>Turns the table's triggers off or on again, within a transaction, where so many rows come that counting each would be slow.</summary>
    public virtual Task SetTriggersAsync(DbConnection connection, string table, bool areOn) => Task.CompletedTask;

    /// <summary>Whether the database is away for a moment, as in a restart, so that the same work may succeed soon.</summary>
    public abstract bool IsTransient(DbException error);

    /// <summary>Closes the pooled connections.</summary>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected abstract void Dispose(bool disposing);
}
