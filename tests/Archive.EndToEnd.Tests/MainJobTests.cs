using System.Security.Cryptography;
using TestKit;

namespace Archive.EndToEnd.Tests;

/// <summary>From the distro's mirror to a host that gets its BTF by <c>uname -r</c>: everything real.</summary>
[Trait("Category", "Real")]
public sealed class MainJobTests
{
    [Fact]
    public void BootedKernelDownloadsItsOwnBtf()
    {
        using var data = new TempFolder();
        using var archive = ArchiveProcess.Start(data.FullPath, "--Crawler:Sources:debian:Releases:0=bookworm", "--Crawler:Sources:debian:Arches:0=amd64");
        var kernel = archive.WaitForKernel(TimeSpan.FromMinutes(10));
        var uname = kernel["uname"]!.GetValue<string>();
        var digest = archive.Get($"/v1/lookup?uname={uname}")["candidates"]![0]!["kernel"]!["btf"]!["sha256"]!.GetValue<string>();

        var console = QemuGuest.Run(KernelCorpus.Image(uname).PackagePath, $"""
            wget -q -O /btf "http://10.0.2.2:{archive.Address.Port}/debian/12/x86_64/$(uname -r).btf" && echo "DOWNLOADED $(sha256sum /btf | cut -d' ' -f1)"
            echo "KERNEL $(sha256sum /sys/kernel/btf/vmlinux | cut -d' ' -f1)"
            """);

        Assert.True(console.Contains($"DOWNLOADED {digest}", StringComparison.Ordinal), $"wanted {digest}, the console says:\n{console}");
        Assert.Contains($"KERNEL {digest}", console);
    }

    [Fact]
    public void BigEndianKernelWithoutBtfIsConvertedAndServed()
    {
        using var data = new TempFolder();

        // Backports' 6.12 has BTF, the release's own kernel has not.
        var crawl = Crawl.Run("debian", "--release", "bookworm", "--arch", "s390x", "--flavour", "generic", "--uname", "6.1.0-*", "--data", data.FullPath);
        Assert.True(crawl.Status == 0, crawl.Output + crawl.Errors);
        using var archive = ArchiveProcess.Start(data.FullPath, "--Roles:Crawler=false");
        var kernel = archive.WaitForKernel(TimeSpan.FromMinutes(1));
        Assert.Equal("dwarf", kernel["taken_from"]!.GetValue<string>());
        Assert.False(kernel["ships_btf"]!.GetValue<bool>());

        var uname = kernel["uname"]!.GetValue<string>();
        var raw = archive.GetBytes($"/debian/bookworm/s390x/{uname}.btf");
        Assert.Equal(kernel["btf"]!["sha256"]!.GetValue<string>(), Convert.ToHexStringLower(SHA256.HashData(raw)));
        File.WriteAllBytes(data.File("served.btf"), raw);
        Assert.Contains("STRUCT 'task_struct'", Tool.Run("bpftool", "btf", "dump", "file", data.File("served.btf")));

        // The tree on disk is what a plain web server would serve.
        var tarball = Path.Combine(data.FullPath, "tree", "debian", "12", "s390x", $"{uname}.btf.tar.xz");
        Assert.Equal($"-r--r--r-- root/root {raw.Length} 1970-01-01 00:00 {uname}.btf", Tool.Shell($"TZ=UTC tar -tvJf '{tarball}' | tr -s ' '").Trim());
    }
}

/// <summary>The <c>crawl</c> command as a process.</summary>
internal static class Crawl
{
    public static Tool.Result Run(params string[] arguments) =>
        Tool.Try("dotnet", [Programs.Crawler, "crawl", .. arguments], TimeSpan.FromMinutes(10));
}
