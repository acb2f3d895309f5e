using Archive.Crawler.Runs;
using Archive.Crawler.Sources;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using TestKit;

namespace Archive.Crawler.Tests;

/// <summary>Whole crawls of real rpm-md repositories over HTTP, good and faulty.</summary>
public sealed class RpmMdCrawlTests : IAsyncLifetime, IDisposable
{
    private const string Version = "5.14.0", Release = "427.13.1.el9_4", Uname = $"{Version}-{Release}.x86_64";
    private readonly RpmRepository _repository = new();
    private readonly CrawlWorkspace _archive = new();
    private MirrorServer _mirror = null!;

    public async Task InitializeAsync()
    {
        _repository.AddKernel(Version, Release);
        _repository.Publish();
        _mirror = await MirrorServer.StartAsync(_repository.Root);
        _archive.AddRpmSource($"\"{_mirror.Url}\"", _repository.Keyring);
    }

    public async Task DisposeAsync() => await _mirror.DisposeAsync();

    public void Dispose()
    {
        _repository.Dispose();
        _archive.Dispose();
    }

    [Fact]
    public async Task PublishesTheKernelOfASignedRepository()
    {
        var (result, _) = await _archive.CrawlAsync();
        Assert.Equal((1, 1, 0, null), (result.Found, result.Published, result.Failed, result.Error));
        var record = Assert.Single(await _archive.RecordsAsync());
        Assert.Equal($"testos/9/x86_64/{Uname}", record.Build.Key.ToString());
        Assert.Equal(("kernel-debuginfo", $"{Version}-{Release}", "btf"), (record.Build.PackageName, record.Build.PackageVersion, record.Publication!.TakenFrom));
        var provenance = _archive.Provenance(record);
        Assert.True(provenance.Index!.IsVerified);
        Assert.Single(provenance.Index.KeyFingerprints);
        Assert.EndsWith("repodata/repomd.xml", provenance.Index.Url.AbsolutePath);
        Assert.Null(provenance.PassedOver);
    }

    [Theory]
    [InlineData("--no-database")]
    [InlineData("--database", "--xz")]
    [InlineData("--general-compress-type=xz")]
    [InlineData("--general-compress-type=bz2")]
    [InlineData("--checksum=sha512")]
    [InlineData("--checksum=sha1")]
    [InlineData("--simple-md-filenames", "--pretty")]
    [InlineData("--compatibility")]
    public async Task IndexesOfAnyOptionsAreRead(params string[] options)
    {
        _repository.Publish(options);
        Assert.Equal(1, (await _archive.CrawlAsync()).Result.Published);
        var record = Assert.Single(await _archive.RecordsAsync());
        Assert.Equal(64, record.Build.PackageSha256.Length);
    }

    [Fact]
    public async Task IndexCompressedWithZstdIsRead()
    {
        _repository.PublishZstd();
        Assert.Equal(1, (await _archive.CrawlAsync()).Result.Published);
        Assert.Contains(_mirror.Requests, r => r.Path.EndsWith("primary.xml.zst", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("bz2")]
    [InlineData("xz")]
    [InlineData("gz")]
    public async Task TheDatabaseIsReadWhereThereIsNoXml(string compression)
    {
        _repository.PublishDatabaseOnly($"--general-compress-type={compression}");
        Assert.Equal(1, (await _archive.CrawlAsync()).Result.Published);
        Assert.Contains(_mirror.Requests, r => r.Path.Contains("primary.sqlite", StringComparison.Ordinal));
    }

    [Fact]
    public async Task TheSecondCrawlAsksForNothingButTheRoot()
    {
        await _archive.CrawlAsync();
        var before = _mirror.Requests.Count;
        Assert.Equal(0, (await _archive.CrawlAsync()).Result.New);
        Assert.All(_mirror.Requests.Skip(before), r => Assert.Contains("repomd.xml", r.Path));
    }

    [Fact]
    public async Task OtherFlavoursAndSourcesAreNoKernels()
    {
        _repository.AddKernel(Version, "1.el9", "kernel-debug-debuginfo");
        _repository.AddKernel(Version, "1.el9", "kernel-debuginfo-common-x86_64");
        _repository.Publish();
        Assert.Equal(1, (await _archive.CrawlAsync()).Result.Found);
    }

    [Fact]
    public async Task KernelOfAnotherUnameIsRefusedAndTheOthersArePublished()
    {
        _repository.AddKernel(Version, "500.el9", banner: $"{Version}-500.el9.x86_64+debug");
        _repository.Publish();
        var (result, _) = await _archive.CrawlAsync();
        Assert.Equal((1, 1), (result.Published, result.Failed));
        Assert.Equal((1, 1), (result.Outcomes["published"], result.Outcomes["malformed"]));
        Assert.Contains("+debug", Assert.Single(await _archive.RecordsAsync(), r => r.Outcome == Outcome.Malformed).Reason);
    }

    [Fact]
    public async Task ChangedRootIsRefused()
    {
        File.AppendAllText(_repository.RepomdPath, "<!-- changed -->");
        await AssertRefusedAsync("bad signature");
    }

    [Fact]
    public async Task MissingSignatureIsRefused()
    {
        File.Delete(_repository.RepomdPath + ".asc");
        await AssertRefusedAsync("is not signed");
    }

    [Fact]
    public async Task UnknownKeyIsRefused()
    {
        using var other = new GpgKey();
        _archive.AddRpmSource($"\"{_mirror.Url}\"", other.Keyring);
        await AssertRefusedAsync("NO_PUBKEY");
    }

    [Fact]
    public async Task ChangedPrimaryIndexIsRefused()
    {
        var index = Directory.GetFiles(Path.GetDirectoryName(_repository.RepomdPath)!, "*-primary.xml.*").Single();
        var bytes = await File.ReadAllBytesAsync(index);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(index, bytes);
        await AssertRefusedAsync("the signed index says");
    }

    [Fact]
    public async Task UnsignedRepositoryIsReadWhereTheSourceSaysWhyAndTheProvenanceRepeatsIt()
    {
        File.Delete(_repository.RepomdPath + ".asc");
        _archive.AddRpmSource($"\"{_mirror.Url}\"", "/nowhere/keyring.gpg", more: "\"unverified\": \"a test\",");
        await _archive.CrawlAsync();
        var index = _archive.Provenance(Assert.Single(await _archive.RecordsAsync())).Index!;
        Assert.Equal((false, "a test"), (index.IsVerified, index.Unverified));
    }

    [Fact]
    public async Task TheNextMirrorIsAskedWhereOneHasOtherBytesAndThatIsRecorded()
    {
        await using var bad = await MirrorServer.StartAsync(_repository.Root);
        bad.Fault = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith(".rpm", StringComparison.Ordinal))
                return false;
            var bytes = await File.ReadAllBytesAsync(Path.Combine(_repository.Root, RpmRepository.PathOf("kernel-debuginfo", Version, Release)));
            bytes[^1] ^= 1;
            await context.Response.Body.WriteAsync(bytes);
            return true;
        };
        _archive.AddRpmSource($"\"{bad.Url}\", \"{_mirror.Url}\"", _repository.Keyring);
        var (result, events) = await _archive.CrawlAsync();
        Assert.Equal(1, result.Published);
        var record = Assert.Single(await _archive.RecordsAsync());
        Assert.Equal(_mirror.Url.Authority, record.Build.PackageUrl.Authority);
        Assert.Contains(bad.Url.Authority, Assert.Single(_archive.Provenance(record).PassedOver!));
        Assert.Single(events.OfType<MirrorPassedOver>());
    }

    [Fact]
    public async Task MirrorsComeFromAListOrAMetalink()
    {
        await File.WriteAllTextAsync(Path.Combine(_repository.Root, "mirror.list"), $"# mirrors\n\n{_mirror.Url}\n");
        _archive.AddRpmSource("\"http://127.0.0.1:1/\"", _repository.Keyring, $", \"mirror_list\": \"{_mirror.Url}mirror.list\"");
        Assert.Equal(1, (await _archive.CrawlAsync()).Result.Published);

        await WriteMetalinkAsync("metalink.xml", Digest(_repository.RepomdPath));
        _archive.AddRpmSource("\"http://127.0.0.1:1/\"", _repository.Keyring, $", \"metalink\": \"{_mirror.Url}metalink.xml\"");
        Assert.Null((await _archive.CrawlAsync()).Result.Error);

        await WriteMetalinkAsync("other.xml", new string('0', 64));
        _archive.AddRpmSource("\"http://127.0.0.1:1/\"", _repository.Keyring, $", \"metalink\": \"{_mirror.Url}other.xml\"");
        await AssertRefusedAsync("its metalink knows others");
    }

    [Fact]
    public async Task WhatASourceListsIsRememberedAndWhatVanishesLeavesATombstone()
    {
        _repository.AddKernel(Version, "1.el9", withBtf: false);
        _repository.Publish();
        await _archive.CrawlAsync(change: r => r with { Newest = 1 });
        using (var store = await _archive.OpenAsync())
        {
            var row = Assert.Single(await store.Catalogue.ListedCoverageAsync(new ListedFilter(), default));
            Assert.Equal((2, 0, 1, 1), (row.Listed, row.Gone, row.Outcomes["published"], row.Outcomes["pending"]));
        }
        File.Delete(Path.Combine(_repository.Root, RpmRepository.PathOf("kernel-debuginfo", Version, "1.el9")));
        _repository.Publish();
        await _archive.CrawlAsync();
        using (var store = await _archive.OpenAsync())
        {
            Assert.Equal((2, 1), await CountsAsync(store.Catalogue));
            var gap = Assert.Single(await store.Catalogue.ListedGapsAsync(new ListedFilter(), default));
            Assert.Equal($"{Version}-1.el9.x86_64", gap.Key.Uname);
            Assert.NotNull(gap.GoneAt);
        }
    }

    private static async Task<(long Listed, long Gone)> CountsAsync(ICatalogue catalogue)
    {
        var row = Assert.Single(await catalogue.ListedCoverageAsync(new ListedFilter(), default));
        return (row.Listed, row.Gone);
    }

    private Task WriteMetalinkAsync(string name, string sha256) => File.WriteAllTextAsync(Path.Combine(_repository.Root, name), $"""
        <?xml version="1.0" encoding="utf-8"?>
        <metalink version="3.0" xmlns="http://www.metalinker.org/" xmlns:mm0="http://fedorahosted.org/mirrormanager">
          <files><file name="repomd.xml">
            <verification><hash type="md5">d41d8cd98f00b204e9800998ecf8427e</hash><hash type="sha256">{sha256}</hash></verification>
            <resources maxconnections="1">
              <url protocol="rsync" type="rsync" preference="100">rsync://127.0.0.1/repodata/repomd.xml</url>
              <url protocol="http" type="http" preference="90">{_mirror.Url}repodata/repomd.xml</url>
            </resources>
          </file></files>
        </metalink>
        """);

    private static string Digest(string file) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(file)));

    private async Task AssertRefusedAsync(string reason)
    {
        var refusal = await Assert.ThrowsAsync<CrawlException>(() => _archive.CrawlAsync());
        Assert.Contains(reason, refusal.Message);
    }
}
