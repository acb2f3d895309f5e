using Archive.Crawler.Runs;
using Archive.Store.Kernels;
using TestKit;

namespace Archive.Crawler.Tests;

/// <summary>Packages made to harm, signed and indexed as any other: each has its outcome, and the other kernel of the crawl is published.</summary>
public sealed class HostilePackageTests(HostilePackageTests.Kernel kernel) : IClassFixture<HostilePackageTests.Kernel>, IDisposable
{
    /// <summary>Mode 0755 of a file, as a linker leaves it and a cpio's header has it.</summary>
    private const string RegularFile = "000081ed";

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
        AssertNothingEscaped();
    }

    [Theory]
    [InlineData("names", "w.ufdio", Outcome.Published, null)]
    [InlineData("symlink", "w1.gzdio", Outcome.NoDebugInfo, "no kernel image")]
    [InlineData("device", "w.ufdio", Outcome.NoDebugInfo, "no kernel image")]
    [InlineData("fifo", "w.ufdio", Outcome.NoDebugInfo, "no kernel image")]
    [InlineData("bomb", "w1.xzdio", Outcome.Malformed, "expands")]
    [InlineData("bomb", "w1.gzdio", Outcome.Malformed, "expands")]
    [InlineData("bomb", "w1.zstdio", Outcome.Malformed, "expands")]
    [InlineData("bomb", "w9.bzdio", Outcome.Malformed, "expands")]
    public async Task AnRpmHasItsOutcomeAndTheOtherKernelIsPublished(string kind, string payload, Outcome outcome, string? reason)
    {
        using var repository = new RpmRepository();
        repository.AddKernel("5.14.0", "1.el9");
        const string Uname = "5.14.0-2.el9.x86_64";
        AddHostileRpm(repository, kind, payload, Uname);
        repository.Publish();
        await using var mirror = await MirrorServer.StartAsync(repository.Root);
        _archive.AddRpmSource($"\"{mirror.Url}\"", repository.Keyring);
        var records = await CrawlAsync("testos", r => r);
        Assert.Equal(Outcome.Published, records["5.14.0-1.el9.x86_64"].Outcome);
        Assert.Equal(outcome, records[Uname].Outcome);
        Assert.Contains(reason ?? "", records[Uname].Reason ?? "");
        AssertNothingEscaped();
    }

    /// <summary>Built by rpmbuild, which makes no package that is really bad: what it refuses is patched in behind it, in headers and payload alike.</summary>
    private static void AddHostileRpm(RpmRepository repository, string kind, string payload, string uname)
    {
        using var rpms = new RpmPackages();
        using var folder = new TempFolder();
        var image = Path.Combine(Directory.CreateDirectory(folder.File($"root/usr/lib/debug/lib/modules/{uname}")).FullName, "vmlinux");
        if (kind == "symlink")
            File.CreateSymbolicLink(image, "/proc/self/mem");
        else if (kind == "bomb")
            Tool.Run("truncate", "-s", "160M", image);
        else
            KernelSample.Build(image, uname);
        if (kind == "names")
            folder.Write("root/aa/aa/aa/aa/aa/aa/tmp/btf-archive-escaped", "escaped");
        var rpm = rpms.Build("kernel-debuginfo", "5.14.0", "2.el9", folder.File("root"), payload);
        (string From, string To)? patch = kind switch
        {
            "names" => ("aa/aa/aa/aa/aa/aa", "../../../../../.."),
            "device" => (RegularFile, "000021ed"),
            "fifo" => (RegularFile, "000011ed"),
            _ => null,
        };
        if (patch is var (from, to))
            File.WriteAllBytes(rpm, Patched(File.ReadAllBytes(rpm), from, to));
        repository.Add(rpm);
    }

    private static byte[] Patched(byte[] rpm, string from, string to)
    {
        var patched = EqualLength.Replace(rpm, from, to);
        Assert.NotEqual(rpm, patched);
        return patched;
    }

    private static void AssertNothingEscaped()
    {
        foreach (var escaped in (string[])["/tmp/btf-archive-escaped", "/etc/btf-archive-escaped", "/btf-archive-escaped"])
            Assert.False(File.Exists(escaped));
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
