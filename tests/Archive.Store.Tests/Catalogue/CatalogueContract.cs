using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using static Archive.Store.Tests.Catalogue.Samples;

namespace Archive.Store.Tests.Catalogue;

/// <summary>What every catalogue keeps (see <see cref="ICatalogue"/>): derive, and open as many on the same database as asked.</summary>
public abstract class CatalogueContract : IAsyncLifetime
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
    public async Task AUnameIsFoundWithWhatAnotherProcessWroteSinceTheLastQuestion()
    {
        var other = Open();
        Assert.Empty(await Catalogue.FindByUnameAsync(Build().Key.Uname, None));
        await other.SeenAsync(Build(), None);
        Assert.Equal(await other.FindAsync(Build().Key, Build().PackageName, Build().PackageVersion, None), Assert.Single(await Catalogue.FindByUnameAsync(Build().Key.Uname, None)));
        await other.RecordPublicationAsync(Build(), Publication(), None);
        Assert.Equal(Publication(), Assert.Single(await Catalogue.FindByUnameAsync(Build().Key.Uname, None)).Publication);
        await other.RecordOutcomeAsync(Build(), Outcome.Withdrawn, "a reason", null, None);
        Assert.Equal(Outcome.Withdrawn, Assert.Single(await Catalogue.FindByUnameAsync(Build().Key.Uname, None)).Outcome);
        Assert.Empty(await Catalogue.FindByUnameAsync("'; DROP TABLE kernels; --", None));
    }

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
    public async Task PublishedBuildsComeInOrderOfTheTree()
    {
        foreach (var version in (string[])["6.1.171-2", "6.1.171-1"])
            await Catalogue.RecordPublicationAsync(Build(version: version), Publication(), None);
        await Catalogue.SeenAsync(Build(version: "6.1.171-3"), None);
        var listed = new List<string>();
        await foreach (var record in Catalogue.PublishedAsync(new KernelFilter(), None))
            listed.Add(record.Build.PackageVersion);
        Assert.Equal(["6.1.171-1", "6.1.171-2"], listed);
        var visited = new List<string>();
        Assert.Equal(2, (await Catalogue.VisitPublishedAsync(r => visited.Add(r.Build.PackageVersion), None)).Position);
        Assert.Equal(listed, visited);
        Assert.Equal([("pending", 1L), ("published", 2L)], (await Catalogue.CoverageAsync(None)).Select(c => (c.Outcome, c.Builds)));
    }

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

    /// <summary>What the step after that changed.</summary>
    protected const string KeyIndexAgain =
        "DROP INDEX kernels_by_distro; DROP INDEX kernels_by_place; DROP INDEX kernels_by_outcome; DROP INDEX kernels_by_gap; CREATE INDEX kernels_by_key ON kernels (distro, version, arch, uname); ";

    private async Task AssertCountedAsync()
    {
        var counted = (await Catalogue.ListAsync(new KernelFilter(), None)).GroupBy(r => (r.Build.Key.Distro, r.Build.Key.Version, r.Build.Key.Arch, Outcome: r.Outcome.Text()))
            .Select(g => (g.Key.Distro, g.Key.Version, g.Key.Arch, g.Key.Outcome, (long)g.Count(), (long)g.Count(r => r.Publication is { ShipsBtf: true }))).Order();
        var told = await Catalogue.CoverageAsync(None);
        Assert.Equal(counted, told.Select(c => (c.Distro, c.Version, c.Arch, c.Outcome, c.Builds, c.ShipsBtf)).Order());
        var latest = (await Catalogue.ListAsync(new KernelFilter(), None)).GroupBy(r => (r.Build.Key.Version, r.Build.Key.Arch)).ToDictionary(g => g.Key, g => g.Max(r => r.Updated.ToUnixTimeMilliseconds()));
        Assert.All(told.GroupBy(c => (c.Version, c.Arch)), place => Assert.True(place.Max(c => c.Updated) >= latest[place.Key]));
    }

    [Fact]
    public async Task AuditIsKeptNewestFirst()
    {
        await Catalogue.AuditAsync("ops", "withdraw", "this", None);
        await Catalogue.AuditAsync("ops", "retry", "that", None);
        Assert.Equal(["retry", "withdraw"], (await Catalogue.AuditsAsync(10, None)).Select(a => a.Action));
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
    public async Task AFailureIsRecordedWithReasonAttemptAndRetry()
    {
        await Catalogue.SeenAsync(Build(), None);
        Clock.Advance(TimeSpan.FromMinutes(1));
        var retryAt = Clock.GetUtcNow().AddHours(6);
        await Catalogue.RecordOutcomeAsync(Build(), Outcome.DownloadFailed, "the mirror is down", retryAt, None);
        await Catalogue.RecordOutcomeAsync(Build(), Outcome.Malformed, ".debug_info+0x10: bad form (value 0x99)", null, None);
        var record = await FindAsync(Build());
        Assert.Equal(Outcome.Malformed, record.Outcome);
        Assert.Equal(".debug_info+0x10: bad form (value 0x99)", record.Reason);
        Assert.Equal(2, record.Attempts);
        Assert.Null(record.RetryAt);
        Assert.Equal(TimeSpan.FromMinutes(1), record.Updated - record.FirstSeen);
    }

    [Fact]
    public async Task ARetryTimeIsKept()
    {
        var retryAt = Clock.GetUtcNow().AddHours(6);
        await Catalogue.RecordOutcomeAsync(Build(), Outcome.DownloadFailed, "the mirror is down", retryAt, None);
        Assert.Equal(retryAt, (await FindAsync(Build())).RetryAt);
    }

    [Fact]
    public async Task AFailureOfAnUnseenBuildIsRecordedToo()
    {
        await Catalogue.RecordOutcomeAsync(Build(), Outcome.SignatureFailed, "bad signature", null, None);
        Assert.Equal(1, (await FindAsync(Build())).Attempts);
    }

    [Theory]
    [InlineData(Outcome.Pending)]
    [InlineData(Outcome.Published)]
    public Task WhatIsNoFailureIsRefusedAsOne(Outcome outcome) =>
        Assert.ThrowsAsync<ArgumentException>(() => Catalogue.RecordOutcomeAsync(Build(), outcome, "why", null, None));

    [Fact]
    public Task AFailureNeedsAReason() =>
        Assert.ThrowsAsync<ArgumentException>(() => Catalogue.RecordOutcomeAsync(Build(), Outcome.Malformed, " ", null, None));

    [Fact]
    public async Task EveryOutcomeIsReadAsItWasRecorded()
    {
        foreach (var outcome in Enum.GetValues<Outcome>().Except([Outcome.Pending, Outcome.Published]))
        {
            await Catalogue.RecordOutcomeAsync(Build(uname: $"6.1-{outcome}"), outcome, "why", null, None);
            Assert.Equal(outcome, (await FindAsync(Build(uname: $"6.1-{outcome}"))).Outcome);
        }
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
    public async Task AWithdrawalStandsAgainstLaterFailures()
    {
        await Catalogue.RecordOutcomeAsync(Build(), Outcome.Withdrawn, "asked to", null, None);
        await Catalogue.RecordOutcomeAsync(Build(), Outcome.DownloadFailed, "the mirror is down", null, None);
        Assert.Equal(Outcome.Withdrawn, (await FindAsync(Build())).Outcome);
    }

    [Fact]
    public async Task AWithdrawalIsNoAttempt()
    {
        await Catalogue.RecordOutcomeAsync(Build(), Outcome.Withdrawn, "asked to", null, None);
        Assert.Equal(0, (await FindAsync(Build())).Attempts);
    }

    [Fact]
    public async Task EveryChangeTakesAHigherSequence()
    {
        var seen = await Catalogue.SeenAsync(Build(), None);
        var other = await Catalogue.SeenAsync(Build(uname: "other"), None);
        await Catalogue.RecordOutcomeAsync(Build(), Outcome.DownloadFailed, "why", null, None);
        var failed = await FindAsync(Build());
        await Catalogue.RecordPublicationAsync(Build(), Publication(), None);
        var published = await FindAsync(Build());
        Assert.True(seen.Sequence > 0 && seen.Sequence < other.Sequence && other.Sequence < failed.Sequence && failed.Sequence < published.Sequence);
    }

    [Fact]
    public async Task TheListFollowsTheSequenceAndPages()
    {
        for (var i = 0; i < 5; i++)
            await Catalogue.SeenAsync(Build(uname: $"6.1-{i}"), None);
        await Catalogue.RecordOutcomeAsync(Build(uname: "6.1-0"), Outcome.Malformed, "why", null, None);
        var first = await Catalogue.ListAsync(new KernelFilter { Limit = 3 }, None);
        var second = await Catalogue.ListAsync(new KernelFilter { Limit = 3, After = first[^1].Sequence }, None);
        Assert.Equal(["6.1-1", "6.1-2", "6.1-3"], first.Select(r => r.Build.Key.Uname));
        Assert.Equal(["6.1-4", "6.1-0"], second.Select(r => r.Build.Key.Uname));
    }

    [Fact]
    public async Task EveryPartOfTheFilterNarrows()
    {
        await Catalogue.SeenAsync(Build(), None);
        await Catalogue.SeenAsync(Build(release: "11"), None);
        await Catalogue.SeenAsync(Build(arch: "arm64"), None);
        await Catalogue.SeenAsync(Build(uname: "6.1.0-57"), None);
        await Catalogue.RecordOutcomeAsync(Build(uname: "6.1.0-58"), Outcome.Malformed, "why", null, None);
        Assert.Equal(5, await CountAsync(new KernelFilter { Distro = "debian" }));
        Assert.Equal(0, await CountAsync(new KernelFilter { Distro = "ubuntu" }));
        Assert.Equal(1, await CountAsync(new KernelFilter { Version = "11" }));
        Assert.Equal(1, await CountAsync(new KernelFilter { Arch = "arm64" }));
        Assert.Equal(1, await CountAsync(new KernelFilter { Uname = "6.1.0-57" }));
        Assert.Equal(1, await CountAsync(new KernelFilter { Outcome = Outcome.Malformed }));
        Assert.Equal(1, await CountAsync(new KernelFilter { Distro = "debian", Version = "12", Arch = "x86_64", UnamePattern = "*cloud*" }));
    }

    [Theory]
    [InlineData("6.1.0-5?", new[] { "6.1.0-5x" })]
    [InlineData("6.1.0-5*", new[] { "6.1.0-5x", "6.1.0-5xy" })]
    [InlineData("*_*", new[] { "6_x86" })]
    [InlineData("6_1*", new string[0])]
    [InlineData("*%*", new string[0])]
    [InlineData("*\\*", new string[0])]
    [InlineData("*-CLOUD", new string[0])]
    [InlineData("*-cloud", new[] { "5-cloud" })]
    public async Task APatternKnowsStarAndQuestionMarkOnly(string pattern, string[] expected)
    {
        foreach (var uname in new[] { "6.1.0-5x", "6.1.0-5xy", "6_x86", "5-cloud" })
            await Catalogue.SeenAsync(Build(uname: uname), None);
        var found = await Catalogue.ListAsync(new KernelFilter { UnamePattern = pattern }, None);
        Assert.Equal(expected, found.Select(r => r.Build.Key.Uname));
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

    [Fact]
    public async Task NeighboursAreThePublishedOnesNextToAUname()
    {
        foreach (var uname in (string[])["6.1.0-1", "6.1.0-3", "6.1.0-5", "6.1.0-7", "6.1.0-9", "6.2.0-1", "6.0.9-9"])
            await Catalogue.RecordPublicationAsync(Build(uname: uname), Publication(), None);
        await Catalogue.RecordPublicationAsync(Build(uname: "6.1.0-6", arch: "arm64"), Publication(), None);
        await Catalogue.SeenAsync(Build(uname: "6.1.0-2"), None);
        Assert.Equal(["6.1.0-3", "6.1.0-1", "6.1.0-5", "6.1.0-6"], await NamesAsync("6.1.0", "6.1.0-4", new KernelFilter { Limit = 2 }));
        Assert.Equal(["6.1.0-5", "6.1.0-3", "6.1.0-1", "6.1.0-7", "6.1.0-9"], await NamesAsync("6.1.0", "6.1.0-6", new KernelFilter { Distro = "debian", Version = "12", Arch = "x86_64" }));
        Assert.Empty(await NamesAsync("6.3", "6.3.0-1", new KernelFilter()));
        Assert.Equal(["6.1.0-9"], await NamesAsync("6.1.0-9", "6.1.0-9\0", new KernelFilter()));

        async Task<IEnumerable<string>> NamesAsync(string beginning, string uname, KernelFilter filter) =>
            (await Catalogue.NeighboursAsync(beginning, uname, filter, None)).Select(r => r.Build.Key.Uname);
    }

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

    [Fact]
    public async Task ManyStartAtOnceOnTheSameDatabase()
    {
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Open().InitialiseAsync(None))));
        await Catalogue.SeenAsync(Build(), None);
    }

    [Fact]
    public async Task WritersAtOnceEachTakeASequenceOfTheirOwn()
    {
        await Task.WhenAll(Enumerable.Range(0, 4).Select(writer => Task.Run(async () =>
        {
            var catalogue = Open();
            for (var i = 0; i < 10; i++)
                await catalogue.SeenAsync(Build(uname: $"{writer}-{i}"), None);
        })));
        var records = await Catalogue.ListAsync(new KernelFilter(), None);
        Assert.Equal(Enumerable.Range(1, 40).Select(i => (long)i), records.Select(r => r.Sequence));
    }

    [Fact]
    public async Task OfManyWhoSeeTheSameBuildAtOnceOneAddsIt()
    {
        var records = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => Open().SeenAsync(Build(), None))));
        Assert.Single(records.Distinct());
        Assert.Single(await Catalogue.ListAsync(new KernelFilter(), None));
    }

    protected async Task<KernelRecord> FindAsync(KernelBuild build) =>
        (await Catalogue.FindAsync(build.Key, build.PackageName, build.PackageVersion, None))!;

    private async Task<int> CountAsync(KernelFilter filter) => (await Catalogue.ListAsync(filter, None)).Count;

    private static IEnumerable<string> Versions(IEnumerable<KernelRecord> records) => records.Select(r => r.Build.PackageVersion);
}
