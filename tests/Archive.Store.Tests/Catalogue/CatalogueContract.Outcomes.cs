using Archive.Store.Kernels;
using static Archive.Store.Tests.Catalogue.Samples;

namespace Archive.Store.Tests.Catalogue;

/// <summary>Outcomes, and the order of changes.</summary>
public abstract partial class CatalogueContract
{
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
}
