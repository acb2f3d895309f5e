using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using static Archive.Store.Tests.Catalogue.Samples;

namespace Archive.Store.Tests.Catalogue;

/// <summary>Lists: filters, orders, pages.</summary>
public abstract partial class CatalogueContract
{
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

    [Theory]
    [InlineData(null, null, null, null)]
    [InlineData("debian", null, null, null)]
    [InlineData("debian", "12", "x86_64", null)]
    [InlineData(null, null, "x86_64", Outcome.Pending)]
    public async Task APatternListsInOrderOfUnamesPageByPage(string? distro, string? version, string? arch, Outcome? outcome)
    {
        foreach (var uname in (string[])["6.2-0", "6.1-3", "6.1-1", "6.1-2", "6.1-0", "6.0-9"])
        {
            foreach (var package in (string[])["1-1", "1-2"])
                await Catalogue.SeenAsync(Build(uname: uname, version: package), None);
            await Catalogue.RecordOutcomeAsync(Build(uname: uname, release: "11", arch: "arm64"), Outcome.Malformed, "why", null, None);
        }
        var filter = new KernelFilter { UnamePattern = "6.1-*", Distro = distro, Version = version, Arch = arch, Outcome = outcome };
        var whole = await Catalogue.ListAsync(filter, None);
        Assert.Equal((arch is null ? 3 : 2) * 4, whole.Count);
        Assert.Equal(whole.OrderBy(r => r.Build.Key.Uname, StringComparer.Ordinal).ThenBy(r => r.Sequence), whole);
        var paged = new List<KernelRecord>();
        for (var page = await Catalogue.ListAsync(filter with { Limit = 3 }, None); page.Count > 0;)
        {
            paged.AddRange(page);
            page = await Catalogue.ListAsync(filter with { Limit = 3, Behind = KernelPosition.Of(page[^1]) }, None);
        }
        Assert.Equal(whole, paged);
        var latest = whole.MaxBy(r => r.Sequence)!;
        Assert.Equal([latest], await Catalogue.ListAsync(filter with { After = latest.Sequence - 1 }, None));
    }

    /// <summary>What changes while it is listed may come twice; nothing is left out.</summary>
    [Fact]
    public async Task WhatChangesWhileItIsListedIsNotMissed()
    {
        foreach (var package in (string[])["1-1", "1-2", "1-3"])
            await Catalogue.SeenAsync(Build(version: package), None);
        var filter = new KernelFilter { UnamePattern = "6.1.0-*", Limit = 2 };
        var first = await Catalogue.ListAsync(filter, None);
        await Catalogue.RecordOutcomeAsync(Build(version: "1-3"), Outcome.Malformed, "why", null, None);
        var second = await Catalogue.ListAsync(filter with { Behind = KernelPosition.Of(first[^1]) }, None);
        Assert.Equal((string[])["1-1", "1-2", "1-3"], first.Concat(second).Select(r => r.Build.PackageVersion));
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

    private async Task<int> CountAsync(KernelFilter filter) => (await Catalogue.ListAsync(filter, None)).Count;
}
