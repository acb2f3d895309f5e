using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Kernels;

/// <summary>
/// Keeps a <see cref="Roster"/> in memory, some 400 bytes a build, so that lists over the whole catalogue cost no query. It asks the catalogue for
/// what changed since the last sequence number that it saw, at most every two seconds; nothing ever leaves the catalogue, so that is all there is to know.
/// </summary>
public sealed class KernelRoster(ICatalogue catalogue, TimeProvider clock) : IDisposable
{
    private const int Page = 5000;
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _one = new(1);
    private readonly Dictionary<Place, Dictionary<(string Uname, string Package, string Version), RosterBuild>> _builds = [];
    private readonly Dictionary<Place, Shelf> _shelves = [];
    private Roster? _roster;
    private long _sequence;
    private DateTimeOffset _asked;

    /// <summary>The builds as of some seconds ago. While one request fetches what is new, others take what is there.</summary>
    public async Task<Roster> GetAsync(CancellationToken cancellation)
    {
        var known = Volatile.Read(ref _roster);
        if (known is not null && clock.GetUtcNow() - _asked < Freshness)
            return known;
        if (!await _one.WaitAsync(known is null ? Timeout.InfiniteTimeSpan : TimeSpan.Zero, cancellation))
            return known!;
        try
        {
            return await RefreshAsync(cancellation);
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();

    private async Task<Roster> RefreshAsync(CancellationToken cancellation)
    {
        if (_roster is not null && clock.GetUtcNow() - _asked < Freshness)
            return _roster;
        var touched = new HashSet<Place>();
        for (IReadOnlyList<KernelRecord>? records = null; records is null || records.Count == Page;)
        {
            records = await catalogue.ListAsync(new KernelFilter { After = _sequence, Limit = Page }, cancellation);
            foreach (var record in records)
                touched.Add(Take(RosterBuild.Of(record)));
        }
        foreach (var place in touched)
            _shelves[place] = new Shelf(place, [.. _builds[place].Values]);
        if (touched.Count > 0 || _roster is null)
            Volatile.Write(ref _roster, new Roster(_shelves.Values, _roster));
        _asked = clock.GetUtcNow();
        return _roster!;
    }

    private Place Take(RosterBuild build)
    {
        var place = Place.Of(build.Key);
        if (!_builds.TryGetValue(place, out var builds))
            _builds.Add(place, builds = []);
        builds[(build.Key.Uname, build.Package, build.PackageVersion)] = build;
        _sequence = build.Sequence;
        return place;
    }
}
