using Archive.Crawler.Runs;
using Archive.Store.Kernels;
using TestKit;

namespace Archive.Crawler.Tests;

/// <summary>Packages made to harm, signed and indexed as any other: each has its outcome, and the other kernel of the crawl is published.</summary>
public sealed class HostilePackageTests(HostilePackageTests.Kernel kernel) : IClassFixture<HostilePackageTests.Kernel>, IDisposable
{
    private const string Good = "6.1.0-99-cloud-amd64", Bad = "6.1.0-98-cloud-amd64";
    private readonly AptRepository _repository = new();
    private readonly CrawlWorkspace _archive = new();

    public void Dispose()
    {
        _repository.Dispose();
        _archive.Dispose();
    }

    [Theory]
    [InlineData("names", "xz", Outcome.Published, null)]
    [InlineData("symlink", "xz", Outcome.NoDebugInfo, "no kernel image")]
    [InlineData("hardlink", "gz", Outcome.NoDebugInfo, "no kernel image")]
    [InlineData("device", "xz", Outcome.NoDebugInfo, "no kernel image")]
    [InlineData("fifo", "xz", Outcome.NoDebugInfo, "no kernel image")]
    [InlineData("bomb", "xz", Outcome.Malformed, "expands")]
    [InlineData("bomb", "gz", Outcome.Malformed, "expands")]
    [InlineData("bomb", "zst", Outcome.Malformed, "expands")]
    [InlineData("bomb", "bz2", Outcome.Malformed, "expands")]
    public async Task ADebianPackageHasItsOutcomeAndTheOtherKernelIsPublished(string kind, string codec, Outcome outcome, string? reason)
    {
        _repository.AddKernel(Good);
        var script = Path.Combine(Checkout.Root, "tests", "Archive.Crawler.Tests", "make-hostile-deb");
        Tool.Run("python3", script, Path.Combine(_repository.Root, AptRepository.PathOf(Bad, "6.1.98-1")), codec, kind, Bad, kernel.Image);
        _repository.Publish();
        await using var mirror = await MirrorServer.StartAsync(_repository.Root);
        var records = await CrawlAsync("debian", r => r with { Releases = ["bookworm"], Flavours = ["cloud"], Mirrors = new MirrorOverride([mirror.Url], [], _repository.Keyring) });
        Assert.Equal(Outcome.Published, records[Good].Outcome);
        Assert.Equal(outcome, records[Bad].Outcome);
        Assert.Contains(reason ?? "", records[Bad].Reason ?? "");
        foreach (var escaped in (string[])["/tmp/btf-archive-escaped", "/etc/btf-archive-escaped", "/btf-archive-escaped"])
            Assert.False(File.Exists(escaped));
    }

    [Theory]
    [InlineData("symlink", "w1.gzdio", Outcome.NoDebugInfo, "no kernel image")]
    [InlineData("bomb", "w1.xzdio", Outcome.Malformed, "expands")]
    [InlineData("bomb", "w1.gzdio", Outcome.Malformed, "expands")]
    [InlineData("bomb", "w1.zstdio", Outcome.Malformed, "expands")]
    [InlineData("bomb", "w9.bzdio", Outcome.Malformed, "expands")]
    public async Task AnRpmHasItsOutcomeAndTheOtherKernelIsPublished(string kind, string payload, Outcome outcome, string reason)
    {
        using var repository = new RpmRepository();
        using var rpms = new RpmPackages();
        using var folder = new TempFolder();
        repository.AddKernel("5.14.0", "1.el9");
        const string Uname = "5.14.0-2.el9.x86_64";
        var image = Path.Combine(Directory.CreateDirectory(folder.File($"root/usr/lib/debug/lib/modules/{Uname}")).FullName, "vmlinux");
        if (kind == "symlink")
            File.CreateSymbolicLink(image, "/proc/self/mem");
        else
            Tool.Run("truncate", "-s", "160M", image);
        repository.Add(rpms.Build("kernel-debuginfo", "5.14.0", "2.el9", folder.File("root"), payload));
        repository.Publish();
        await using var mirror = await MirrorServer.StartAsync(repository.Root);
        _archive.AddRpmSource($"\"{mirror.Url}\"", repository.Keyring);
        var records = await CrawlAsync("testos", r => r);
        Assert.Equal(Outcome.Published, records["5.14.0-1.el9.x86_64"].Outcome);
        Assert.Equal(outcome, records[Uname].Outcome);
        Assert.Contains(reason, records[Uname].Reason);
    }

    private async Task<Dictionary<string, KernelRecord>> CrawlAsync(string source, Func<CrawlRequest, CrawlRequest> change)
    {
        if (!Directory.Exists(_archive.SourcesFolder))
            Directory.CreateDirectory(_archive.SourcesFolder);
        await _archive.CrawlAsync(source, change);
        return (await _archive.RecordsAsync()).ToDictionary(r => r.Build.Key.Uname);
    }

    /// <summary>One image for all packages.</summary>
    public sealed class Kernel : IDisposable
    {
        private readonly TempFolder _folder = new();

        public Kernel() => KernelSample.Build(Image, Bad);

        public string Image => _folder.File("vmlinux");

        public void Dispose() => _folder.Dispose();
    }
}
