using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using static Archive.Store.Tests.Catalogue.Samples;

namespace Archive.Store.Tests.Catalogue;

/// <summary>Builds counted by place and outcome.</summary>
public abstract partial class CatalogueContract
{
    [Fact]
    public async Task CoverageIsWhatCountingAllBuildsGives()
    {
        var outcomes = Enum.GetValues<Outcome>().Except([Outcome.Pending, Outcome.Published]).ToArray();
        var random = new Random(1);
        for (var i = 0; i < 200; i++)
        {
            Clock.Advance(TimeSpan.FromSeconds(1));
            var build = Build(uname: $"6.1-{random.Next(8)}", release: $"{11 + random.Next(2)}", arch: random.Next(2) == 0 ? "x86_64" : "arm64");
            await (random.Next(3) switch
            {
                0 => Catalogue.SeenAsync(build, None),
                1 => Catalogue.RecordPublicationAsync(build, Publication((char)('a' + random.Next(3))) with { ShipsBtf = random.Next(2) == 0 }, None),
                _ => Catalogue.RecordOutcomeAsync(build, outcomes[random.Next(outcomes.Length)], "why", null, None),
            });
        }
        await AssertCountedAsync();
        await ExecuteAsync("UPDATE kernels SET version = version || '.1' WHERE uname = '6.1-1'; DELETE FROM kernels WHERE uname = '6.1-2'");
        await AssertCountedAsync();
    }

    /// <summary>A catalogue from before the count, with builds in it, and one whom the program of then goes on writing to.</summary>
    [Fact]
    public async Task ACatalogueFromBeforeTheCountIsCounted()
    {
        for (var i = 0; i < 5; i++)
            await Catalogue.RecordPublicationAsync(Build(uname: $"6.1-{i}"), Publication(), None);
        await Catalogue.RecordOutcomeAsync(Build(uname: "6.1-0"), Outcome.Withdrawn, "why", null, None);
        await ExecuteAsync(TakeBackTheCount);
        await Catalogue.SeenAsync(Build(uname: "6.1-5"), None);
        await Open().InitialiseAsync(None);
        await AssertCountedAsync();
        await Catalogue.RecordOutcomeAsync(Build(uname: "6.1-5"), Outcome.Malformed, "why", null, None);
        await AssertCountedAsync();
    }

    /// <summary>SQL that takes the schema back to before there was a count.</summary>
    protected abstract string TakeBackTheCount { get; }

    /// <summary>What the steps after that changed; but kernels_by_pattern is there, as an operator builds it before an upgrade.</summary>
    protected const string KeyIndexAgain =
        "DROP INDEX kernels_by_distro; DROP INDEX kernels_by_place; DROP INDEX kernels_by_outcome; DROP INDEX kernels_by_gap; CREATE INDEX kernels_by_key ON kernels (distro, version, arch, uname); "
        + "CREATE INDEX kernels_by_uname ON kernels (uname); ";

    private async Task AssertCountedAsync()
    {
        var counted = (await Catalogue.ListAsync(new KernelFilter(), None)).GroupBy(r => (r.Build.Key.Distro, r.Build.Key.Version, r.Build.Key.Arch, Outcome: r.Outcome.Text()))
            .Select(g => (g.Key.Distro, g.Key.Version, g.Key.Arch, g.Key.Outcome, (long)g.Count(), (long)g.Count(r => r.Publication is { ShipsBtf: true }))).Order();
        var told = await Catalogue.CoverageAsync(None);
        Assert.Equal(counted, told.Select(c => (c.Distro, c.Version, c.Arch, c.Outcome, c.Builds, c.ShipsBtf)).Order());
        var latest = (await Catalogue.ListAsync(new KernelFilter(), None)).GroupBy(r => (r.Build.Key.Version, r.Build.Key.Arch)).ToDictionary(g => g.Key, g => g.Max(r => r.Updated.ToUnixTimeMilliseconds()));
        Assert.All(told.GroupBy(c => (c.Version, c.Arch)), place => Assert.True(place.Max(c => c.Updated) >= latest[place.Key]));
    }
}
