using Archive.Api.Endpoints;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Kernels;

/// <summary>Coverage, asked of the catalogue at most every ten seconds.</summary>
public sealed class CoverageCounts(ICatalogue catalogue, TimeProvider clock) : IDisposable
{
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(10);
    private readonly SemaphoreSlim _one = new(1);
    private IReadOnlyList<CoverageRow> _rows = [];
    private DateTimeOffset _counted;

    public async Task<IReadOnlyList<CoverageRow>> RowsAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            if (clock.GetUtcNow() - _counted > Freshness)
            {
                _rows = [.. (await catalogue.CoverageAsync(cancellation)).GroupBy(c => (c.Distro, c.Version, c.Arch)).Select(g => Row(g.Key, [.. g]))];
                _counted = clock.GetUtcNow();
            }
            return _rows;
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

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
