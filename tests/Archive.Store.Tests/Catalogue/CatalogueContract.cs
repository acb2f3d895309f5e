using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using static Archive.Store.Tests.Catalogue.Samples;

namespace Archive.Store.Tests.Catalogue;

/// <summary>What every catalogue keeps (see <see cref="ICatalogue"/>): derive, and open as many on the same database as asked.</summary>
public abstract partial class CatalogueContract : IAsyncLifetime
{
    protected SteppedClock Clock { get; } = new();

    protected ICatalogue Catalogue { get; private set; } = null!;

    protected static CancellationToken None => CancellationToken.None;

    /// <summary>Another catalogue on the database of this test, as another process has it.</summary>
    protected abstract ICatalogue Open();

    /// <summary>Runs SQL on the database of this test, past any catalogue.</summary>
    protected abstract Task ExecuteAsync(string sql);

    public async Task InitializeAsync()
    {
        Catalogue = Open();
        await Catalogue.InitialiseAsync(None);
    }

    public virtual Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task ABuildIsPendingWhenFirstSeen()
    {
        var record = await Catalogue.SeenAsync(Build(), None);
        Assert.Equal(Build(), record.Build);
        Assert.Equal(Outcome.Pending, record.Outcome);
        Assert.Equal(0, record.Attempts);
        Assert.Equal(Clock.GetUtcNow(), record.FirstSeen);
        Assert.Equal(Clock.GetUtcNow(), record.Updated);
        Assert.Null(record.Reason);
        Assert.Null(record.RetryAt);
        Assert.Null(record.Publication);
    }

    [Fact]
    public async Task SeeingABuildAgainChangesNothing()
    {
        var first = await Catalogue.SeenAsync(Build(), None);
        Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(first, await Catalogue.SeenAsync(Build() with { PackageSha256 = Digest('x') }, None));
    }

    [Fact]
    public async Task ARebuildUnderTheSameUnameIsABuildOfItsOwn()
    {
        await Catalogue.SeenAsync(Build(version: "6.1.171-1"), None);
        await Catalogue.SeenAsync(Build(version: "6.1.171-2"), None);
        Assert.Equal(2, (await Catalogue.ListAsync(new KernelFilter { Uname = "6.1.0-56-cloud-amd64" }, None)).Count);
    }

    [Fact]
    public async Task WhatWasNeverSeenIsNotFound() =>
        Assert.Null(await Catalogue.FindAsync(Build().Key, "linux-image", "1", None));

    [Fact]
    public async Task TextIsValueAndNeverSql()
    {
        await Catalogue.RecordOutcomeAsync(Build(), Outcome.Malformed, "'); DROP TABLE kernels; --\n💥", null, None);
        Assert.Equal("'); DROP TABLE kernels; --\n💥", (await FindAsync(Build())).Reason);
        Assert.Empty(await Catalogue.ListAsync(new KernelFilter { Uname = "' OR '1'='1" }, None));
    }

    /// <summary>Not every database has NUL and halves of surrogate pairs.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(0xD83D)]
    [InlineData(0xDCA5)]
    public async Task WhatIsNoTextIsReplacedEverywhere(int unit)
    {
        var text = $"a{(char)unit}b";
        await Catalogue.RecordOutcomeAsync(Build(), Outcome.Malformed, text, null, None);
        Assert.Equal("a\ufffdb", (await FindAsync(Build())).Reason);
        await Catalogue.AuditAsync(text, text, text, None);
        await Catalogue.FinishRunAsync(await Catalogue.StartRunAsync(text, None), new CrawlRunResult(0, 0, 0, 0, 0, text), None);
        Assert.Single(await Catalogue.RunsAsync(text, 10, None));
        Assert.Empty(await Catalogue.ListAsync(new KernelFilter { Uname = text }, None));
        Assert.Empty(await Catalogue.ListAsync(new KernelFilter { UnamePattern = text + "*" }, None));
        Assert.Empty(await Catalogue.FindByBuildIdAsync(text, None));
        Assert.Empty(await Catalogue.FindByDigestAsync(text, None));
        Assert.Null(await Catalogue.FindAsync(Build().Key, text, text, None));
    }

    [Fact]
    public async Task AnEmptyCatalogueAnswersWithNothing()
    {
        Assert.Empty(await Catalogue.CoverageAsync(None));
        Assert.Empty(await Catalogue.SourceRunsAsync(None));
        Assert.Empty(await Catalogue.RunsAsync(null, 10, None));
        Assert.Empty(await Catalogue.ListedCoverageAsync(new ListedFilter(), None));
        Assert.Empty(await Catalogue.ListedGapsAsync(new ListedFilter(), None));
        Assert.Empty(await Catalogue.AuditsAsync(10, None));
        Assert.Empty(await Catalogue.ChainAsync(0, 10, None));
    }

    protected async Task<KernelRecord> FindAsync(KernelBuild build) =>
        (await Catalogue.FindAsync(build.Key, build.PackageName, build.PackageVersion, None))!;
}
