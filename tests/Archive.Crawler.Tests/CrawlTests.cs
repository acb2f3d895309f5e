using System.Globalization;
using System.Security.Cryptography;
using Archive.Crawler.Runs;
using Archive.Extractor.Packages;
using Archive.Store;
using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Archive.Store.Provenance;
using Btf.Format;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using TestKit;

namespace Archive.Crawler.Tests;

/// <summary>Whole crawls of a real, signed APT repository over HTTP, good and faulty.</summary>
public sealed class CrawlTests : IAsyncLifetime, IDisposable
{
    private const string Uname = "6.1.0-99-cloud-amd64";
    private readonly AptRepository _repository = new();
    private readonly TempFolder _data = new();
    private readonly EventLog _events = new();
    private MirrorServer _mirror = null!;

    public async Task InitializeAsync()
    {
        _repository.AddKernel(Uname);
        _repository.Publish();
        _mirror = await MirrorServer.StartAsync(_repository.Root);
    }

    public async Task DisposeAsync() => await _mirror.DisposeAsync();

    public void Dispose()
    {
        _repository.Dispose();
        _data.Dispose();
    }

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
        var inventory = await File.ReadAllBytesAsync(Path.Combine(_data.FullPath, "tree", BlobPaths.TreeInventory(record.Build.Key)));
        Assert.True(inventory.Length > 32);
        var provenance = ProvenanceJson.Read(await File.ReadAllBytesAsync(Path.Combine(_data.FullPath, "tree", BlobPaths.TreeProvenance(record.Build.Key))));
        Assert.Equal(new StoredForm(Convert.ToHexStringLower(SHA256.HashData(inventory)), inventory.Length), provenance.Inventory);
        Assert.True(provenance.Index!.IsVerified);
        Assert.Single(provenance.Index.KeyFingerprints);
        Assert.Equal(record.Build.PackageSha256, provenance.Package.Sha256);
    }

    [Fact]
    public async Task SecondCrawlFetchesNothing()
    {
        await CrawlAsync();
        var before = _mirror.Requests.Count;
        var result = await CrawlAsync();
        Assert.Equal((1, 0), (result.Found, result.New));
        var after = _mirror.Requests.Skip(before).ToList();
        Assert.All(after, r => Assert.EndsWith("Release", r.Path));
        Assert.Contains(after, r => r.Path.EndsWith("bookworm/InRelease", StringComparison.Ordinal) && r.Status == StatusCodes.Status304NotModified);
    }

    [Fact]
    public async Task KernelWithoutBtfIsConvertedFromDwarf()
    {
        _repository.AddKernel("6.1.0-100-cloud-amd64", "6.1.100-1", withBtf: false);
        _repository.Publish();
        await CrawlAsync();
        using var store = await OpenAsync();
        Assert.Equal("dwarf", (await RecordAsync(store, "6.1.0-100-cloud-amd64")).Publication!.TakenFrom);
    }

    [Fact]
    public async Task BrokenDownloadGoesOnWhereItBroke()
    {
        var broken = false;
        _mirror.Fault = async context =>
        {
            if (broken || !IsPackage(context))
                return false;
            broken = true;
            await MirrorServer.BreakAfterAsync(context, PackageFile, 5000);
            return true;
        };
        Assert.Equal(1, (await CrawlAsync()).Published);
        Assert.Contains(_mirror.Requests, r => r.Range is not null && r.Status == StatusCodes.Status206PartialContent);
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
            Assert.False(File.Exists(Path.Combine(_data.FullPath, "tree", BlobPaths.Tree(record.Build.Key))));
        }
        await File.WriteAllBytesAsync(PackageFile, bytes);
        Assert.Equal(1, (await CrawlAsync(r => r with { RetryFailed = true })).Published);
    }

    [Fact]
    public async Task MalformedPackageIsRecordedAsSuchAndStopsNoOther()
    {
        _repository.AddKernel("6.1.0-98-cloud-amd64", "6.1.98-1");
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
        _repository.AddKernel("6.1.0-97-cloud-amd64", "6.1.101-1", banner: "6.1.0-1-other");
        _repository.Publish();
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
        _repository.AddKernel(Uname, "6.1.99-2", marker: "other_marker");
        _repository.Publish();
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
        _repository.AddKernel(Uname, marker: "swapped");
        _repository.Publish();
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
        _mirror.Fault = async context =>
        {
            if (IsPackage(context))
                await Task.Delay(500);
            return false;
        };
        var results = await Task.WhenAll(CrawlAsync(), CrawlAsync());
        Assert.Equal(1, results.Sum(r => r.Published));
        Assert.Equal(0, results.Sum(r => r.Failed));
        Assert.Single(_mirror.Requests, r => r.Path.EndsWith(".deb", StringComparison.Ordinal));
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
        Assert.DoesNotContain(_mirror.Requests, r => r.Path.EndsWith(".deb", StringComparison.Ordinal));
    }

    [Fact]
    public async Task IndexChangedAfterSigningIsRefused()
    {
        var index = Path.Combine(_repository.Root, "dists", "bookworm", "main", "binary-amd64", "Packages.xz");
        var bytes = await File.ReadAllBytesAsync(index);
        bytes[^5] ^= 1;
        await File.WriteAllBytesAsync(index, bytes);
        await AssertRefusedAsync("the signed index says");
    }

    [Fact]
    public async Task BadSignatureIsRefused()
    {
        var text = await File.ReadAllTextAsync(_repository.InReleasePath);
        await File.WriteAllTextAsync(_repository.InReleasePath, text.Replace("Components: main", "Components: evil", StringComparison.Ordinal));
        await AssertRefusedAsync("bad signature");
    }

    [Fact]
    public async Task UnknownKeyIsRefused()
    {
        using var other = new AptRepository();
        await AssertRefusedAsync("NO_PUBKEY", r => r with { Mirrors = r.Mirrors with { Keyring = other.Keyring } });
    }

    [Fact]
    public async Task UnsignedReleaseIsRefused()
    {
        var text = await File.ReadAllTextAsync(_repository.InReleasePath);
        await File.WriteAllTextAsync(_repository.InReleasePath, text[text.IndexOf("Codename", StringComparison.Ordinal)..text.IndexOf("-----BEGIN PGP SIGNATURE", StringComparison.Ordinal)]);
        await AssertRefusedAsync("no good signature");
    }

    [Fact]
    public async Task TextOutsideTheSignatureIsNotBelieved()
    {
        var text = await File.ReadAllTextAsync(_repository.InReleasePath);
        await File.WriteAllTextAsync(_repository.InReleasePath, "SHA256:\n 0000000000000000000000000000000000000000000000000000000000000000 1 main/binary-amd64/Packages\n\n" + text);
        try
        {
            Assert.Equal(1, (await CrawlAsync()).Published);
        }
        catch (Archive.Crawler.Sources.CrawlException e)
        {
            Assert.Contains("signature", e.Message);
        }
    }

    [Fact]
    public async Task ReleasePastItsTimeIsRefused()
    {
        _repository.Publish(validUntil: DateTime.UtcNow.AddDays(-1).ToString("ddd, dd MMM yyyy HH:mm:ss 'UTC'", CultureInfo.InvariantCulture));
        await AssertRefusedAsync("was valid until");
    }

    [Fact]
    public async Task SuiteThatCannotBeTrustedIsNamedAndStopsNoOther()
    {
        var updates = Directory.CreateDirectory(Path.Combine(_repository.Root, "dists", "bookworm-updates")).FullName;
        File.Copy(_repository.InReleasePath, Path.Combine(updates, "InRelease"));
        var result = await CrawlAsync();
        Assert.Equal(1, result.Published);
        Assert.Contains("is signed for bookworm", result.Error);
    }

    [Fact]
    public async Task SecondMirrorIsTakenWhereTheFirstIsBroken()
    {
        await using var bad = await MirrorServer.StartAsync(_repository.Root);
        bad.Fault = context =>
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return Task.FromResult(true);
        };
        var result = await CrawlAsync(r => r with { Mirrors = r.Mirrors with { Main = [bad.Url, _mirror.Url] } });
        Assert.Equal(1, result.Published);
    }

    [Fact]
    public async Task KernelIsPublishedOfItsImagePackageWithItsModules()
    {
        const string Other = "6.1.0-101-cloud-amd64";
        _repository.AddImage(Other, "6.1.101-1", modules: ["first", "second"]);
        _repository.Publish();
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
        _repository.AddKernel(Other, "6.12.9-1", withBtf, modules: ["first", "second"]);
        var names = Tool.Run("dpkg-deb", "-c", Path.Combine(_repository.Root, AptRepository.PathOf(Other, "6.12.9-1")));
        Assert.True(names.IndexOf("second.ko", StringComparison.Ordinal) < names.IndexOf("vmlinux", StringComparison.Ordinal));
        _repository.Publish();
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
        _repository.AddKernel(Other, "6.12.10-1", modules: ["only"], spoil: true);
        _repository.Publish();
        await CrawlAsync();
        Assert.StartsWith("refused: only: ", Provenance(Other).NoModules);
    }

    [Fact]
    public async Task KernelIsPublishedWhereThePackageOfItsModulesIsGone()
    {
        const string Other = "6.1.0-105-cloud-amd64";
        _repository.AddImage(Other, "6.1.105-1", modules: ["first"], modulesPackage: $"linux-modules-{Other}");
        _repository.Publish();
        File.Delete(Path.Combine(_repository.Root, "pool", $"linux-modules-{Other}_6.1.105-1_amd64.deb"));
        Assert.Equal(1, (await CrawlAsync()).Published);
        Assert.Contains("404", Provenance(Other).NoModules);
    }

    [Fact]
    public async Task ModulesOfAnotherPackageArePublishedWithTheImage()
    {
        const string Other = "6.1.0-102-cloud-amd64";
        _repository.AddImage(Other, "6.1.102-1", modules: ["first", "second"], modulesPackage: $"linux-modules-{Other}");
        _repository.Publish();
        await CrawlAsync();
        await AssertModulesAsync(Other, [$"linux-modules-{Other}"]);
    }

    [Fact]
    public async Task DebugPackageIsPreferredAndTheImageTakenWhereItIsOfNoUse()
    {
        _repository.AddImage(Uname);
        _repository.Publish();
        Assert.Equal(1, (await CrawlAsync(r => r with { RetryFailed = true })).Found);
        using (var store = await OpenAsync())
            Assert.Equal($"linux-image-{Uname}-dbg", (await RecordAsync(store)).Build.PackageName);

        const string Other = "6.1.0-103-cloud-amd64";
        _repository.AddImage(Other, "6.1.103-1");
        _repository.AddKernel(Other, "6.1.103-1", banner: "6.1.0-1-other");
        _repository.Publish();
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
        _repository.AddImage("6.1.0-104-cloud-amd64", "6.1.104-1", withBtf: false);
        _repository.Publish();
        await CrawlAsync(r => r with { Grade = Archive.Crawler.Sources.PackageGrade.Image });
        using var store = await OpenAsync();
        Assert.Equal(Outcome.NoDebugInfo, (await RecordAsync(store, "6.1.0-104-cloud-amd64")).Outcome);
    }

    private ProvenanceDocument Provenance(string uname) => ProvenanceJson.Read(File.ReadAllBytes(
        Path.Combine(_data.FullPath, "tree", BlobPaths.TreeProvenance(new KernelKey("debian", "12", "x86_64", uname)))));

    private async Task AssertModulesAsync(string uname, string[] packages, bool withBtf = true)
    {
        using var store = await OpenAsync();
        var record = await RecordAsync(store, uname);
        Assert.Equal((withBtf ? "btf" : "dwarf", withBtf), (record.Publication!.TakenFrom, record.Publication.ShipsBtf));
        var tarball = Path.Combine(_data.FullPath, "tree", BlobPaths.TreeModules(record.Build.Key));
        Assert.Equal(record.Publication.Modules!.Size, new FileInfo(tarball).Length);
        Tool.Run("tar", "-xJf", tarball, "-C", _data.FullPath);
        Tool.Run("tar", "-xJf", Path.Combine(_data.FullPath, "tree", BlobPaths.Tree(record.Build.Key)), "-C", _data.FullPath);
        foreach (var module in (string[])["first", "second"])
        {
            var dump = Tool.Run("bpftool", "btf", "dump", "file", Path.Combine(_data.FullPath, module + ".btf"), "-B", Path.Combine(_data.FullPath, uname + ".btf"));
            Assert.Contains($"only_of_{module}", dump);
        }
        var provenance = Provenance(uname);
        Assert.Null(provenance.NoModules);
        Assert.Equal((2, 2), (provenance.Modules!.Seen, provenance.Modules.Published));
        Assert.Equal(packages, provenance.Modules.Packages.Select(p => p.Name));
        Assert.Empty(provenance.Modules.Refused);
    }

    private string PackageFile => Path.Combine(_repository.Root, AptRepository.PathOf(Uname));

    private static bool IsPackage(HttpContext context) => context.Request.Path.Value!.EndsWith(".deb", StringComparison.Ordinal);

    /// <summary>An index that lists a file that is no package, with its true size and digest.</summary>
    private void PublishWithRaw(string uname, string file)
    {
        var digest = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file)));
        var paragraph = $"Package: linux-image-{uname}-dbg\nVersion: 6.1.99-1\nArchitecture: amd64\nFilename: {AptRepository.PathOf(uname)}\nSize: {new FileInfo(file).Length}\nSHA256: {digest}\n";
        var text = File.ReadAllText(file);
        File.Delete(file);
        _repository.Publish(extra: paragraph);
        File.WriteAllText(file, text);
    }

    private async Task AssertRefusedAsync(string reason, Func<CrawlRequest, CrawlRequest>? change = null)
    {
        var refusal = await Assert.ThrowsAsync<Archive.Crawler.Sources.CrawlException>(() => CrawlAsync(change));
        Assert.Contains(reason, refusal.Message);
        using var store = await OpenAsync();
        Assert.Empty(await store.Catalogue.ListAsync(new KernelFilter(), default));
        Assert.Equal(refusal.Message, Assert.Single(await store.Catalogue.RunsAsync(null, 10, default)).Result!.Error);
    }

    private CrawlRequest Request() => new()
    {
        Releases = ["bookworm"],
        Arches = ["x86_64"],
        Mirrors = new MirrorOverride([_mirror.Url], [], _repository.Keyring),
    };

    private Task<ArchiveStore> OpenAsync() =>
        ArchiveStore.OpenAsync(new StoreOptions { DataDirectory = _data.FullPath }, TimeProvider.System, default);

    private CrawlFactory Factory(ArchiveStore store) => new(store, TimeProvider.System, NullLoggerFactory.Instance, _data.FullPath, TimeSpan.FromMilliseconds(50));

    private async Task<CrawlRunResult> CrawlAsync(Func<CrawlRequest, CrawlRequest>? change = null)
    {
        using var store = await OpenAsync();
        using var crawls = Factory(store);
        var request = change is null ? Request() : change(Request());
        return await crawls.Create("debian").RunAsync(request, _events, default);
    }

    private static async Task<KernelRecord> RecordAsync(ArchiveStore store, string uname = Uname) =>
        Assert.Single(await store.Catalogue.ListAsync(new KernelFilter { Uname = uname }, default));

    private sealed class EventLog : IProgress<CrawlEvent>
    {
        public void Report(CrawlEvent value) => System.Diagnostics.Trace.WriteLine(value);
    }
}
