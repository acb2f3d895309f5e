using System.Data.Common;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Kernels;

/// <summary>
/// Keeps a <see cref="Roster"/> in memory, some 450 bytes a build, so that lists over the whole catalogue cost no query. It asks the catalogue for
/// what changed since the last sequence number that it saw, at most every two seconds; nothing ever leaves the catalogue, so that is all there is to know.
/// </summary>
public sealed class KernelRoster(ICatalogue catalogue, TimeProvider clock, ILogger<KernelRoster> log) : BackgroundService
{
    /// <summary>Rows that are dropped before the heap's first generation is full: ten times as many take twice the memory.</summary>
    private const int Page = 500;

    /// <summary>How long a request waits for what is new, before it takes what is there.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan Freshness = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private readonly Dictionary<Place, HashSet<RosterBuild>> _builds = [];
    private readonly Dictionary<Place, Shelf> _shelves = [];

    /// <summary>Places with changes that no roster shows yet; kept where a read fails in between.</summary>
    private readonly HashSet<Place> _touched = [];
    private Task<Roster>? _refreshing;
    private Roster? _roster;
    private long _sequence;
    private DateTimeOffset _asked;

    /// <summary>The builds as of some seconds ago.</summary>
    public async Task<Roster> GetAsync(CancellationToken cancellation)
    {
        var known = Volatile.Read(ref _roster);
        if (known is not null && clock.GetUtcNow() - _asked < Freshness)
            return known;
        var refreshing = Refreshing();
        if (known is null)
            return await refreshing.WaitAsync(cancellation);
        await Task.WhenAny(refreshing, Task.Delay(Patience, cancellation));
        return refreshing.IsCompletedSuccessfully ? await refreshing : known;
    }

    /// <summary>The first request does not wait for a large catalogue to be read.</summary>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await GetAsync(stoppingToken);
        }
        catch (Exception e) when (e is DbException or InvalidDataException)
        {
            log.LogWarning("The catalogue cannot be read yet: {Reason}", e.Message);
        }
    }

    /// <summary>One at a time, whoever asks; it goes on for the others when the one who asked first goes away.</summary>
    private Task<Roster> Refreshing()
    {
        lock (_lock)
            return _refreshing is { IsCompleted: false } running ? running : _refreshing = Task.Run(RefreshAsync);
    }

    private async Task<Roster> RefreshAsync()
    {
        for (IReadOnlyList<KernelRecord>? records = null; records is null || records.Count == Page;)
        {
            records = await catalogue.ListAsync(new KernelFilter { After = _sequence, Limit = Page }, CancellationToken.None);
            foreach (var record in records)
                Take(RosterBuild.Of(record));
        }
        foreach (var place in _touched)
            _shelves[place] = new Shelf(place, [.. _builds[place]]);
        if (_touched.Count > 0 || _roster is null)
            Volatile.Write(ref _roster, new Roster(_shelves.Values, _roster));
        _touched.Clear();
        _asked = clock.GetUtcNow();
        return _roster!;
    }

    private void Take(RosterBuild build)
    {
        var place = Place.Of(build.Key);
        if (!_builds.TryGetValue(place, out var builds))
            _builds.Add(place, builds = new(RosterBuild.SameBuild));
        builds.Remove(build);
        builds.Add(build);
        _sequence = build.Sequence;
        _touched.Add(place);
    }
}
