using Archive.Api.Endpoints;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Kernels;

/// <summary>Coverage, asked of the catalogue at most every ten seconds; what is listed, which is counted over every package, every minute.</summary>
public sealed class CoverageCounts(ICatalogue catalogue, TimeProvider clock) : IDisposable
{
    private readonly Recounted<IReadOnlyList<CoverageRow>> _builds = new(TimeSpan.FromSeconds(10), clock);
    private readonly Recounted<IReadOnlyList<ListedCoverage>> _listed = new(TimeSpan.FromMinutes(1), clock);

    public Task<IReadOnlyList<CoverageRow>> RowsAsync(CancellationToken cancellation) => _builds.GetAsync(
        async stop => [.. (await catalogue.CoverageAsync(stop)).GroupBy(c => (c.Distro, c.Version, c.Arch)).Select(g => Row(g.Key, [.. g]))], cancellation);

    public Task<IReadOnlyList<ListedCoverage>> ListedAsync(CancellationToken cancellation) =>
        _listed.GetAsync(stop => catalogue.ListedCoverageAsync(new ListedFilter(), stop), cancellation);

    public void Dispose()
    {
        _builds.Dispose();
        _listed.Dispose();
    }

    private static CoverageRow Row((string Distro, string Version, string Arch) place, IReadOnlyList<CoverageCount> counts)
    {
        var served = counts.Where(c => IsOneOf(c, Outcome.Published, Outcome.Conflict)).ToList();
        var (published, native, missing, withdrawn) = (served.Sum(c => c.Builds), Sum(Outcome.Native), Sum(Outcome.Pending), Sum(Outcome.Withdrawn));
        var known = counts.Sum(c => c.Builds);
        return new CoverageRow(
            place.Distro, place.Version, place.Arch, known, published, native + served.Sum(c => c.ShipsBtf), known - published - native - missing - withdrawn, missing, withdrawn,
            DateTimeOffset.FromUnixTimeMilliseconds(counts.Max(c => c.Updated)));

        long Sum(Outcome outcome) => counts.Where(c => IsOneOf(c, outcome)).Sum(c => c.Builds);
    }

    private static bool IsOneOf(CoverageCount count, params Outcome[] outcomes) => outcomes.Any(o => o.Text() == count.Outcome);
}

/// <summary>A value that is worth waiting for, and good for a while; made once, however many ask.</summary>
internal sealed class Recounted<T>(TimeSpan freshness, TimeProvider clock) : IDisposable
    where T : class
{
    private readonly SemaphoreSlim _one = new(1);
    private T? _value;
    private DateTimeOffset _counted;

    public async Task<T> GetAsync(Func<CancellationToken, Task<T>> count, CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            if (_value is null || clock.GetUtcNow() - _counted > freshness)
                (_value, _counted) = (await count(cancellation), clock.GetUtcNow());
            return _value;
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();
}
