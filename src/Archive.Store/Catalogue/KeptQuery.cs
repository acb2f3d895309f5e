using System.Collections.Concurrent;
using System.Data.Common;
using Archive.Store.Kernels;

namespace Archive.Store.Catalogue;

/// <summary>
/// A question with one parameter that is asked thousands of times a second. Opening a connection and preparing the statement cost many times
/// what the answer does, so connections with the statement on them are kept: as many as were ever
/// asked at once, up to a bound. Nothing of an answer is kept, so what another process writes is seen by the next question.
/// </summary>
/// <param name="sql">Its parameter is <c>@value</c>.</param>
internal sealed class KeptQuery(SqlDialect dialect, string sql) : IDisposable
{
    private const int MaxKept = 32;

    private readonly ConcurrentBag<PreparedQuery> _kept = [];
    private int _count;

    /// <exception cref="DbException">As the database has it; connections that are kept are given up, since what ended one may have ended all.</exception>
    public async Task<IReadOnlyList<KernelRecord>> FindAsync(string value, CancellationToken cancellation)
    {
        var prepared = Take() ?? await dialect.PrepareQueryAsync(sql, cancellation);
        try
        {
            var records = await prepared.FindAsync(value, cancellation);
            Keep(prepared);
            return records;
        }
        catch
        {
            prepared.Dispose();
            Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        while (Take() is { } prepared)
            prepared.Dispose();
    }

    private PreparedQuery? Take()
    {
        if (!_kept.TryTake(out var prepared))
            return null;
        Interlocked.Decrement(ref _count);
        return prepared;
    }

    private void Keep(PreparedQuery prepared)
    {
        if (Interlocked.Increment(ref _count) <= MaxKept)
        {
            _kept.Add(prepared);
            return;
        }
        Interlocked.Decrement(ref _count);
        prepared.Dispose();
    }
}
