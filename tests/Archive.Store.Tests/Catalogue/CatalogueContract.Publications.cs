using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using static Archive.Store.Tests.Catalogue.Samples;

namespace Archive.Store.Tests.Catalogue;

/// <summary>Publications, withdrawals and their chain.</summary>
public abstract partial class CatalogueContract
{
    [Fact]
    public async Task PublicationsAndWithdrawalsAreChainedOnceEach()
    {
        await Catalogue.SeenAsync(Build(), None);
        await Catalogue.RecordOutcomeAsync(Build(), Outcome.DownloadFailed, "for now", null, None);
        await Catalogue.RecordPublicationAsync(Build(), Publication(), None);
        await Catalogue.RecordPublicationAsync(Build(), Publication(), None);
        await Catalogue.RecordOutcomeAsync(Build(), Outcome.Withdrawn, "a reason", null, None);
        await Catalogue.RecordOutcomeAsync(Build(), Outcome.Withdrawn, "another", null, None);
        var entries = await Catalogue.ChainAsync(0, 10, None);
        Assert.Equal(ChainEvent.Published(Build(), Publication()).ToLine(), entries[0].Line);
        Assert.Equal((ChainEvent.Published(Build(), Publication()) with { Reason = "a reason" }).ToLine(), entries[1].Line);
        Assert.Equal(ChainEntry.After(ChainHead.Empty, entries[0].Line), entries[0]);
        Assert.Equal([ChainEntry.After(entries[0].Head, entries[1].Line)], await Catalogue.ChainAsync(1, 10, None));
        Assert.Equal(entries[1].Head, await Catalogue.ChainHeadAsync(None));
        Assert.Equal(2, entries.Count);
    }

    [Fact]
    public async Task APublicationIsReadAsItWasRecorded()
    {
        await Catalogue.RecordOutcomeAsync(Build(), Outcome.DownloadFailed, "the mirror is down", Clock.GetUtcNow(), None);
        await Catalogue.RecordPublicationAsync(Build(), Publication(), None);
        var record = await FindAsync(Build());
        Assert.Equal(Outcome.Published, record.Outcome);
        Assert.Equal(Publication(), record.Publication);
        Assert.Equal(2, record.Attempts);
        Assert.Null(record.Reason);
        Assert.Null(record.RetryAt);
    }

    [Fact]
    public async Task APublicationWithoutBuildIdIsReadAsItWasRecorded()
    {
        await Catalogue.RecordPublicationAsync(Build(), Publication() with { BuildId = null, ShipsBtf = false }, None);
        Assert.Equal(Publication() with { BuildId = null, ShipsBtf = false }, (await FindAsync(Build())).Publication);
    }

    [Fact]
    public async Task APublicationSaysWhichPackageItIsOf()
    {
        await Catalogue.SeenAsync(Build() with { PackageSha256 = Digest('o') }, None);
        await Catalogue.RecordPublicationAsync(Build(), Publication(), None);
        Assert.Equal(Build(), (await FindAsync(Build())).Build);
    }

    [Fact]
    public async Task TheSamePublicationAgainIsNoChange()
    {
        await Catalogue.RecordPublicationAsync(Build(), Publication(), None);
        var first = await FindAsync(Build());
        Clock.Advance(TimeSpan.FromHours(1));
        await Catalogue.RecordPublicationAsync(Build(), Publication() with { PublishedAt = Clock.GetUtcNow() }, None);
        Assert.Equal(first, await FindAsync(Build()));
    }

    [Fact]
    public async Task AFailureDoesNotTouchWhatIsPublished()
    {
        await Catalogue.RecordPublicationAsync(Build(), Publication(), None);
        var published = await FindAsync(Build());
        await Catalogue.RecordOutcomeAsync(Build(), Outcome.DownloadFailed, "the mirror is down", Clock.GetUtcNow(), None);
        Assert.Equal(published, await FindAsync(Build()));
    }

    [Theory]
    [InlineData(Outcome.Conflict)]
    [InlineData(Outcome.Withdrawn)]
    public async Task AConflictAndAWithdrawalKeepThePublication(Outcome outcome)
    {
        await Catalogue.RecordPublicationAsync(Build(), Publication(), None);
        await Catalogue.RecordOutcomeAsync(Build() with { PackageSha256 = Digest('x') }, outcome, "other bytes", null, None);
        var record = await FindAsync(Build());
        Assert.Equal(outcome, record.Outcome);
        Assert.Equal("other bytes", record.Reason);
        Assert.Equal(Publication(), record.Publication);
        Assert.Equal(Build(), record.Build);
    }

    [Fact]
    public async Task APublicationIsFoundByEitherDigestAndByBuildIdNewestFirst()
    {
        foreach (var version in new[] { "6.1.9-1", "6.1.171-1", "6.1.22-1" })
            await Catalogue.RecordPublicationAsync(Build(version: version), Publication(), None);
        await Catalogue.RecordPublicationAsync(Build(uname: "other"), Publication('b'), None);
        string[] newestFirst = ["6.1.171-1", "6.1.22-1", "6.1.9-1"];
        Assert.Equal(newestFirst, Versions(await Catalogue.FindByDigestAsync(Publication().Raw.Sha256, None)));
        Assert.Equal(newestFirst, Versions(await Catalogue.FindByDigestAsync(Publication().Tarball.Sha256, None)));
        Assert.Equal(newestFirst, Versions(await Catalogue.FindByBuildIdAsync("build-a", None)));
        Assert.Empty(await Catalogue.FindByDigestAsync(Digest('z'), None));
        Assert.Empty(await Catalogue.FindByBuildIdAsync("build-z", None));
    }

    private static IEnumerable<string> Versions(IEnumerable<KernelRecord> records) => records.Select(r => r.Build.PackageVersion);
}
