using System.Security.Cryptography;
using Archive.Extractor.Packages;
using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Archive.Store.Provenance;
using Btf.Format;
using Microsoft.AspNetCore.Http;
using TestKit;

namespace Archive.Crawler.Tests;

/// <summary>Whole crawls of a real, signed APT repository over HTTP, good and faulty.</summary>
public sealed class CrawlTests : AptCrawl
{
    [Fact]
    public async Task PublishesTarballProvenanceAndTreeOfAVerifiedPackage()
    {
        var result = await CrawlAsync();
        Assert.Equal((1, 1, 1, 0), (result.Found, result.New, result.Published, result.Failed));
        using var store = await OpenAsync();
        var record = await RecordAsync(store);
        Assert.Equal(Outcome.Published, record.Outcome);
        await using var tarball = (await store.Blobs.OpenReadAsync(BlobPaths.Tree(record.Build.Key), default))!;
        var (name, btf) = BtfTarball.Unpack(tarball);
        Assert.Equal($"{Uname}.btf", name);
        Assert.NotNull(BtfBlob.Parse(btf).Find(BtfKind.Struct, "task_struct"));
        var inventory = await File.ReadAllBytesAsync(Path.Combine(Data, "tree", BlobPaths.TreeInventory(record.Build.Key)));
        Assert.True(inventory.Length > 32);
        var provenance = ProvenanceJson.Read(await File.ReadAllBytesAsync(Path.Combine(Data, "tree", BlobPaths.TreeProvenance(record.Build.Key))));
        Assert.Equal(new StoredForm(Convert.ToHexStringLower(SHA256.HashData(inventory)), inventory.Length), provenance.Inventory);
        Assert.True(provenance.Index!.IsVerified);
        Assert.Single(provenance.Index.KeyFingerprints);
        Assert.Equal(record.Build.PackageSha256, provenance.Package.Sha256);
    }

    [Fact]
    public async Task SecondCrawlFetchesNothing()
    {
        await CrawlAsync();
        var before = Mirror.Requests.Count;
        var result = await CrawlAsync();
        Assert.Equal((1, 0), (result.Found, result.New));
        var after = Mirror.Requests.Skip(before).ToList();
        Assert.All(after, r => Assert.EndsWith("Release", r.Path));
        Assert.Contains(after, r => r.Path.EndsWith("bookworm/InRelease", StringComparison.Ordinal) && r.Status == StatusCodes.Status304NotModified);
    }

    [Fact]
    public async Task KernelWithoutBtfIsConvertedFromDwarf()
    {
        Repository.AddKernel("6.1.0-100-cloud-amd64", "6.1.100-1", withBtf: false);
        Repository.Publish();
        await CrawlAsync();
        using var store = await OpenAsync();
        Assert.Equal("dwarf", (await RecordAsync(store, "6.1.0-100-cloud-amd64")).Publication!.TakenFrom);
    }

    [Fact]
    public async Task BrokenDownloadGoesOnWhereItBroke()
    {
        var broken = false;
        Mirror.Fault = async context =>
        {
            if (broken || !IsPackage(context))
                return false;
            broken = true;
            await MirrorServer.BreakAfterAsync(context, PackageFile, 5000);
            return true;
        };
        Assert.Equal(1, (await CrawlAsync()).Published);
        Assert.Contains(Mirror.Requests, r => r.Range is not null && r.Status == StatusCodes.Status206PartialContent);
    }

    [Theory]
    [InlineData("flipped")]
    [InlineData("shorter")]
    [InlineData("longer")]
    [InlineData("missing")]
    public async Task PackageThatIsNotTheIndexedOneIsADownloadFailureAndSucceedsLater(string fault)
    {
        var bytes = await File.ReadAllBytesAsync(PackageFile);
        await File.WriteAllBytesAsync(PackageFile, fault switch
        {
            "flipped" => [.. bytes[..^1], (byte)~bytes[^1]],
            "shorter" => bytes[..^100],
            _ => [.. bytes, 0],
        });
        if (fault == "missing")
            File.Delete(PackageFile);
        Assert.Equal(1, (await CrawlAsync()).Failed);
        using (var store = await OpenAsync())
        {
            var record = await RecordAsync(store);
            Assert.Equal(Outcome.DownloadFailed, record.Outcome);
            Assert.NotNull(record.RetryAt);
            Assert.False(File.Exists(Path.Combine(Data, "tree", BlobPaths.Tree(record.Build.Key))));
        }
        await File.WriteAllBytesAsync(PackageFile, bytes);
        Assert.Equal(1, (await CrawlAsync(r => r with { RetryFailed = true })).Published);
    }

    [Fact]
    public async Task MalformedPackageIsRecordedAsSuchAndStopsNoOther()
    {
        Repository.AddKernel("6.1.0-98-cloud-amd64", "6.1.98-1");
        File.WriteAllText(PackageFile, "!<arch>\nthis is no package");
        PublishWithRaw(Uname, PackageFile);
        var result = await CrawlAsync(r => r with { Newest = 2 });
        Assert.Equal((1, 1), (result.Published, result.Failed));
        using var store = await OpenAsync();
        var record = await RecordAsync(store);
        Assert.Equal(Outcome.Malformed, record.Outcome);
        Assert.Null(record.RetryAt);
    }

    [Fact]
    public async Task PackageOfAnotherKernelIsNotPublished()
    {
        Repository.AddKernel("6.1.0-97-cloud-amd64", "6.1.101-1", banner: "6.1.0-1-other");
        Repository.Publish();
        await CrawlAsync();
        using var store = await OpenAsync();
        var record = await RecordAsync(store, "6.1.0-97-cloud-amd64");
        Assert.Equal(Outcome.Malformed, record.Outcome);
        Assert.Contains("6.1.0-1-other", record.Reason);
    }

    [Fact]
    public async Task NewerBuildOfAUnameTakesTheTreeAndTheOlderStaysByDigest()
    {
        await CrawlAsync();
        Repository.AddKernel(Uname, "6.1.99-2", marker: "other_marker");
        Repository.Publish();
        await CrawlAsync();
        using var store = await OpenAsync();
        var records = await store.Catalogue.ListAsync(new KernelFilter { Uname = Uname }, default);
        Assert.Equal(2, records.Count);
        foreach (var record in records)
            Assert.NotNull(await store.Blobs.StatAsync(BlobPaths.Tarball(record.Publication!.Tarball.Sha256), default));
        await using var tree = (await store.Blobs.OpenReadAsync(BlobPaths.Tree(records[0].Build.Key), default))!;
        Assert.NotNull(BtfBlob.Parse(BtfTarball.Unpack(tree).Btf).Find(BtfKind.Struct, "other_marker"));
    }

    [Fact]
    public async Task OtherBytesForAPublishedBuildAreAConflictAndTheFirstStays()
    {
        await CrawlAsync();
        File.Delete(PackageFile);
        Repository.AddKernel(Uname, marker: "swapped");
        Repository.Publish();
        Assert.Equal(1, (await CrawlAsync()).Failed);
        using var store = await OpenAsync();
        var record = await RecordAsync(store);
        Assert.Equal(Outcome.Conflict, record.Outcome);
        await using var tree = (await store.Blobs.OpenReadAsync(BlobPaths.Tree(record.Build.Key), default))!;
        Assert.Null(BtfBlob.Parse(BtfTarball.Unpack(tree).Btf).Find(BtfKind.Struct, "swapped"));
        Assert.Equal(0, (await CrawlAsync()).Failed);
    }

    [Fact]
    public async Task TwoCrawlsAtOnceFetchThePackageOnce()
    {
        Mirror.Fault = async context =>
        {
            if (IsPackage(context))
                await Task.Delay(500);
            return false;
        };
        var results = await Task.WhenAll(CrawlAsync(), CrawlAsync());
        Assert.Equal(1, results.Sum(r => r.Published));
        Assert.Equal(0, results.Sum(r => r.Failed));
        Assert.Single(Mirror.Requests, r => r.Path.EndsWith(".deb", StringComparison.Ordinal));
    }

    [Fact]
    public async Task PlanFetchesNoPackage()
    {
        using var store = await OpenAsync();
        using var crawls = Factory(store);
        var plan = await crawls.Create("debian").PlanAsync(Request(), null, default);
        Assert.Single(plan.Selected);
        Assert.Single(plan.Todo);
        Assert.Empty(plan.Failures);
        Assert.DoesNotContain(Mirror.Requests, r => r.Path.EndsWith(".deb", StringComparison.Ordinal));
    }

    [Fact]
    public async Task SecondMirrorIsTakenWhereTheFirstIsBroken()
    {
        await using var bad = await MirrorServer.StartAsync(Repository.Root);
        bad.Fault = context =>
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.FromResult(true);
        };
        var result = await CrawlAsync(r => r with { Mirrors = r.Mirrors with { Main = [bad.Url, Mirror.Url] } });
        Assert.Equal(1, result.Published);
    }

    /// <summary>An index that lists a file that is no package, with its true size and digest.</summary>
    private void PublishWithRaw(string uname, string file)
    {
        var digest = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file)));
        var paragraph = $"Package: linux-image-{uname}-dbg\nVersion: 6.1.99-1\nArchitecture: amd64\nFilename: {AptRepository.PathOf(uname)}\nSize: {new FileInfo(file).Length}\nSHA256: {digest}\n";
        var text = File.ReadAllText(file);
        File.Delete(file);
        Repository.Publish(extra: paragraph);
        File.WriteAllText(file, text);
    }
}
