using Archive.Api.Endpoints;
using Archive.Api.Kernels;
using Archive.Api.Pages.Shared;

namespace Archive.Api.Pages.Coverage;

/// <summary>The numbers behind the charts. They are sums over the whole catalogue, so that they are worked out once a minute at most.</summary>
internal sealed class Charts(KernelRoster rosters, CoverageCounts counts, TimeProvider clock) : IDisposable
{
    private const int MaxLines = 6, MaxBars = 20;

    private readonly Recounted<ChartsModel> _model = new(TimeSpan.FromMinutes(1), clock);

    public Task<ChartsModel> GetAsync(CancellationToken cancellation) =>
        _model.GetAsync(async stop => Of(await rosters.GetAsync(stop), await counts.RowsAsync(stop)), cancellation);

    public void Dispose() => _model.Dispose();

    private static ChartsModel Of(Roster roster, IReadOnlyList<CoverageRow> rows)
    {
        var byDistro = roster.Recent.GroupBy(build => build.Key.Distro).OrderByDescending(group => group.Count()).ToList();
        return new ChartsModel(
            Series.Growth(roster),
            Series.Running(roster.Recent, build => build.PublishedAt!.Value, build => build.RawSize),
            [.. byDistro.Take(MaxLines).Select(group => (group.Key, Share([.. group], rows.Where(row => row.Distro == group.Key).Sum(row => row.Known))))],
            [.. byDistro.Take(MaxBars).Select(group => (group.Key, group.LongCount()))],
            [.. roster.Recent.GroupBy(build => build.Key.Arch).Select(group => (group.Key, group.Sum(build => build.RawSize) / group.Count())).OrderByDescending(size => size.Item2)]);
    }

    /// <summary>Of the kernels known today, how many were published at a time, in percent.</summary>
    private static Series Share(IReadOnlyList<RosterBuild> latestFirst, long known) => Series.Running(latestFirst, build => build.PublishedAt!.Value, _ => 100.0 / Math.Max(1, known));
}
