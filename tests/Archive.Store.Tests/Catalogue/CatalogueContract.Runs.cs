using Archive.Store.Catalogue;

namespace Archive.Store.Tests.Catalogue;

/// <summary>The history of crawls, and the audit log.</summary>
public abstract partial class CatalogueContract
{
    [Fact]
    public async Task AuditIsKeptNewestFirst()
    {
        await Catalogue.AuditAsync("ops", "withdraw", "this", None);
        await Catalogue.AuditAsync("ops", "retry", "that", None);
        Assert.Equal(["retry", "withdraw"], (await Catalogue.AuditsAsync(10, None)).Select(a => a.Action));
    }

    [Fact]
    public async Task ARunIsListedFromItsStartAndWithItsResult()
    {
        var run = await Catalogue.StartRunAsync("debian", None);
        var started = Assert.Single(await Catalogue.RunsAsync("debian", 10, None));
        Assert.Equal((CrawlRunState.Running, null, null), (started.State, started.Finished, started.Result));
        Clock.Advance(TimeSpan.FromMinutes(3));
        var result = new CrawlRunResult(5, 4, 3, 2, 6_000_000_000, "one mirror is down") { Failures = ["main: one mirror is down"] };
        await Catalogue.FinishRunAsync(run, result, None);
        var record = Assert.Single(await Catalogue.RunsAsync("debian", 10, None));
        Assert.Equal(new CrawlRunRecord(run, "debian", Clock.GetUtcNow().AddMinutes(-3), Clock.GetUtcNow(), result) { State = CrawlRunState.Partial, Updated = Clock.GetUtcNow() }, record);
    }

    [Fact]
    public async Task ARunTellsHowFarItIsAndIsInterruptedWhenNothingIsHeardOfIt()
    {
        var run = await Catalogue.StartRunAsync("debian", None);
        Clock.Advance(TimeSpan.FromMinutes(4));
        var soFar = new CrawlRunResult(5, 4, 1, 0, 1000, null);
        await Catalogue.NoteProgressAsync(run, soFar, "debian/12/x86_64/6.1.0-1-amd64", None);
        Clock.Advance(TimeSpan.FromMinutes(4));
        var record = Assert.Single(await Catalogue.RunsAsync("debian", 10, None));
        Assert.Equal((CrawlRunState.Running, soFar, "debian/12/x86_64/6.1.0-1-amd64", null), (record.State, record.Result, record.Doing, record.Finished));
        Clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(CrawlRunState.Interrupted, Assert.Single(await Catalogue.RunsAsync("debian", 10, None)).State);
        await Catalogue.FinishRunAsync(run, soFar, None);
        Assert.Equal((CrawlRunState.Complete, null), ((await Catalogue.RunsAsync("debian", 1, None))[0].State, (await Catalogue.RunsAsync("debian", 1, None))[0].Doing));
    }

    [Fact]
    public async Task RunsOfASourceAreSummedUp()
    {
        async Task<DateTimeOffset> RunAsync(string source, CrawlRunResult result)
        {
            var run = await Catalogue.StartRunAsync(source, None);
            Clock.Advance(TimeSpan.FromHours(1));
            await Catalogue.FinishRunAsync(run, result, None);
            return Clock.GetUtcNow();
        }

        var complete = await RunAsync("debian", new CrawlRunResult(9, 9, 5, 1, 5_000_000_000, null));
        var partial = await RunAsync("debian", new CrawlRunResult(9, 4, 2, 2, 3_000_000_000, "sid: expired"));
        await RunAsync("debian", new CrawlRunResult(0, 0, 0, 0, 0, "disk full") { IsBroken = true });
        await RunAsync("ubuntu", new CrawlRunResult(0, 0, 0, 0, 0, "no mirror") { IsBroken = true });
        await Catalogue.StartRunAsync("debian", None);
        Assert.Equal(
            [new SourceRuns("debian", 4, partial, complete, 7, 3, 8_000_000_000), new SourceRuns("ubuntu", 1, null, null, 0, 0, 0)],
            await Catalogue.SourceRunsAsync(None));
    }

    [Fact]
    public async Task RunsAreListedNewestFirstBySource()
    {
        var first = await Catalogue.StartRunAsync("debian", None);
        var second = await Catalogue.StartRunAsync("ubuntu", None);
        var third = await Catalogue.StartRunAsync("debian", None);
        Assert.Equal([third, first], (await Catalogue.RunsAsync("debian", 10, None)).Select(r => r.Id));
        Assert.Equal([third, second], (await Catalogue.RunsAsync(null, 2, None)).Select(r => r.Id));
    }
}
