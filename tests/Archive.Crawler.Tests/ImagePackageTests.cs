using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using TestKit;

namespace Archive.Crawler.Tests;

/// <summary>Kernels of image packages, and modules of whatever package.</summary>
public sealed class ImagePackageTests : AptCrawl
{
    [Fact]
    public async Task KernelIsPublishedOfItsImagePackageWithItsModules()
    {
        const string Other = "6.1.0-101-cloud-amd64";
        Repository.AddImage(Other, "6.1.101-1", modules: ["first", "second"]);
        Repository.Publish();
        var result = await CrawlAsync(r => r with { Newest = 1 });
        Assert.Equal(1, result.Published);
        await AssertModulesAsync(Other, []);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ModulesThatArePackedBeforeTheirKernelArePublishedWithIt(bool withBtf)
    {
        const string Other = "6.12.9+deb13-cloud-amd64";
        Repository.AddKernel(Other, "6.12.9-1", withBtf, modules: ["first", "second"]);
        var names = Tool.Run("dpkg-deb", "-c", Path.Combine(Repository.Root, AptRepository.PathOf(Other, "6.12.9-1")));
        Assert.True(names.IndexOf("second.ko", StringComparison.Ordinal) < names.IndexOf("vmlinux", StringComparison.Ordinal));
        Repository.Publish();
        await CrawlAsync();
        await AssertModulesAsync(Other, [], withBtf);
    }

    [Theory]
    [InlineData(true, "none in the package")]
    [InlineData(false, "not asked")]
    public async Task ProvenanceSaysWhyThereAreNoModules(bool asked, string reason)
    {
        await CrawlAsync(r => r with { Modules = asked });
        Assert.Equal(reason, Provenance(Uname).NoModules);
    }

    [Fact]
    public async Task ModulesThatAreRefusedAreNamedInTheProvenance()
    {
        const string Other = "6.12.10+deb13-cloud-amd64";
        Repository.AddKernel(Other, "6.12.10-1", modules: ["only"], spoil: true);
        Repository.Publish();
        await CrawlAsync();
        Assert.StartsWith("refused: only: ", Provenance(Other).NoModules);
    }

    [Fact]
    public async Task KernelIsPublishedWhereThePackageOfItsModulesIsGone()
    {
        const string Other = "6.1.0-105-cloud-amd64";
        Repository.AddImage(Other, "6.1.105-1", modules: ["first"], modulesPackage: $"linux-modules-{Other}");
        Repository.Publish();
        File.Delete(Path.Combine(Repository.Root, "pool", $"linux-modules-{Other}_6.1.105-1_amd64.deb"));
        Assert.Equal(1, (await CrawlAsync()).Published);
        Assert.Contains("404", Provenance(Other).NoModules);
    }

    [Fact]
    public async Task ModulesOfAnotherPackageArePublishedWithTheImage()
    {
        const string Other = "6.1.0-102-cloud-amd64";
        Repository.AddImage(Other, "6.1.102-1", modules: ["first", "second"], modulesPackage: $"linux-modules-{Other}");
        Repository.Publish();
        await CrawlAsync();
        await AssertModulesAsync(Other, [$"linux-modules-{Other}"]);
    }

    [Fact]
    public async Task DebugPackageIsPreferredAndTheImageTakenWhereItIsOfNoUse()
    {
        Repository.AddImage(Uname);
        Repository.Publish();
        Assert.Equal(1, (await CrawlAsync(r => r with { RetryFailed = true })).Found);
        using (var store = await OpenAsync())
            Assert.Equal($"linux-image-{Uname}-dbg", (await RecordAsync(store)).Build.PackageName);

        const string Other = "6.1.0-103-cloud-amd64";
        Repository.AddImage(Other, "6.1.103-1");
        Repository.AddKernel(Other, "6.1.103-1", banner: "6.1.0-1-other");
        Repository.Publish();
        Assert.Equal(1, (await CrawlAsync()).Published);
        using (var store = await OpenAsync())
        {
            var records = await store.Catalogue.ListAsync(new KernelFilter { Uname = Other }, default);
            Assert.Equal(
                [($"linux-image-{Other}", Outcome.Published), ($"linux-image-{Other}-dbg", Outcome.Malformed)],
                records.Select(r => (r.Build.PackageName, r.Outcome)).Order());
        }
        Assert.Equal(0, (await CrawlAsync(r => r with { RetryFailed = true })).New);
    }

    [Fact]
    public async Task ImageWithoutBtfHasNoDebugInfo()
    {
        Repository.AddImage("6.1.0-104-cloud-amd64", "6.1.104-1", withBtf: false);
        Repository.Publish();
        await CrawlAsync(r => r with { Grade = Archive.Crawler.Sources.PackageGrade.Image });
        using var store = await OpenAsync();
        Assert.Equal(Outcome.NoDebugInfo, (await RecordAsync(store, "6.1.0-104-cloud-amd64")).Outcome);
    }

    private async Task AssertModulesAsync(string uname, string[] packages, bool withBtf = true)
    {
        using var store = await OpenAsync();
        var record = await RecordAsync(store, uname);
        Assert.Equal((withBtf ? "btf" : "dwarf", withBtf), (record.Publication!.TakenFrom, record.Publication.ShipsBtf));
        var tarball = Path.Combine(Data, "tree", BlobPaths.TreeModules(record.Build.Key));
        Assert.Equal(record.Publication.Modules!.Size, new FileInfo(tarball).Length);
        Tool.Run("tar", "-xJf", tarball, "-C", Data);
        Tool.Run("tar", "-xJf", Path.Combine(Data, "tree", BlobPaths.Tree(record.Build.Key)), "-C", Data);
        foreach (var module in (string[])["first", "second"])
        {
            var dump = Tool.Run("bpftool", "btf", "dump", "file", Path.Combine(Data, module + ".btf"), "-B", Path.Combine(Data, uname + ".btf"));
            Assert.Contains($"only_of_{module}", dump);
        }
        var provenance = Provenance(uname);
        Assert.Null(provenance.NoModules);
        Assert.Equal((2, 2), (provenance.Modules!.Seen, provenance.Modules.Published));
        Assert.Equal(packages, provenance.Modules.Packages.Select(p => p.Name));
        Assert.Empty(provenance.Modules.Refused);
    }
}
