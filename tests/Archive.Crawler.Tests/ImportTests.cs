using Archive.Crawler.Imports;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using TestKit;

namespace Archive.Crawler.Tests;

/// <summary>Trees of other archives, and lists of kernels.</summary>
public sealed class ImportTests(OtherArchive tree) : IClassFixture<OtherArchive>, IDisposable
{
    private readonly CrawlWorkspace _archive = new();

    public void Dispose() => _archive.Dispose();

    [Theory]
    [InlineData("folder")]
    [InlineData("tarball")]
    [InlineData("tarball on the web")]
    [InlineData("pages")]
    [InlineData("digests")]
    public async Task EveryFileIsCheckedAndWhatIsGoodIsPublishedAsImported(string form)
    {
        await using var server = await MirrorServer.StartAsync(tree.Root);
        server.Fault = form switch { "pages" => tree.ServePagesAsync, "digests" => tree.ServeDigestsAsync, _ => null };
        var place = form switch { "folder" => tree.Root, "tarball" => tree.Tarball, "tarball on the web" => tree.TarballBehind(server.Url), _ => server.Url.AbsoluteUri };
        var report = await ImportAsync(place);
        Assert.Equal((6, 1, 0, 5), (report.Files, report.Published, report.Present, report.Refused));
        foreach (var (path, problem) in OtherArchive.Bad)
            Assert.Contains(report.Problems, p => p.Contains(path, StringComparison.Ordinal) && p.Contains(problem, StringComparison.Ordinal));
        var record = Assert.Single(await _archive.RecordsAsync());
        Assert.Equal(("debian/12/x86_64/" + OtherArchive.Uname, Outcome.Published, "imported"), (record.Build.Key.ToString(), record.Outcome, record.Publication!.TakenFrom));
        var provenance = _archive.Provenance(record);
        Assert.Equal(("imported", false), (provenance.Conversion.TakenFrom, provenance.ImportedFrom is null));
        Assert.Null(provenance.Index);
        Assert.Equal((6, 0, 1), ((await ImportAsync(place)).Files, (await ImportAsync(place)).Published, (await ImportAsync(place)).Present));
    }

    [Fact]
    public async Task AFileThatTheServerHasNotLeavesTheOthersAlone()
    {
        await using var server = await MirrorServer.StartAsync(tree.Root);
        server.Fault = async context =>
        {
            if (!context.Request.Path.Value!.Contains("6.1.0-98", StringComparison.Ordinal))
                return await tree.ServeDigestsAsync(context);
            context.Response.StatusCode = 404;
            return true;
        };
        var report = await ImportAsync(server.Url.AbsoluteUri);
        Assert.Equal((6, 1, 5), (report.Files, report.Published, report.Refused));
        Assert.Contains(report.Problems, p => p.Contains("6.1.0-98", StringComparison.Ordinal) && p.Contains("404", StringComparison.Ordinal));
    }

    [Fact]
    public void CommandsImportATreeAndAList()
    {
        var crawler = Path.Combine(AppContext.BaseDirectory, "Archive.Crawler.dll");
        using var folder = new TempFolder();
        var result = Tool.Try("dotnet", [crawler, "import", "tree", tree.Tarball, "--data", folder.File("data")], TimeSpan.FromSeconds(60));
        Assert.Equal((1, "6 files: 1 published, 0 there already, 5 refused\n"), (result.Status, result.Output));
        Assert.Contains("refused: tree/debian/12/arm64/", result.Errors, StringComparison.Ordinal);
        var list = folder.Write("aarch64/list.json", """{"Oracle8": [{"kernelrelease": "5.4.17-2011.6.2.el8uek.aarch64", "headers": ["http://yum.oracle.com/kernel-uek-devel.rpm"]}]}""");
        Assert.Equal("1 kernels (ol 1)\n", Tool.Run("dotnet", crawler, "import", "list", list, "--data", folder.File("data")));
        Assert.Equal(3, Tool.Try("dotnet", [crawler, "import", "tree", "/nowhere", "--data", folder.File("data")], TimeSpan.FromSeconds(60)).Status);
        Assert.Equal(2, Tool.Try("dotnet", [crawler, "import", "forest"], TimeSpan.FromSeconds(60)).Status);
    }

    [Fact]
    public async Task APasswordInAUrlIsRefusedAndNotRepeated()
    {
        var error = await Assert.ThrowsAsync<CrawlImportException>(() => ImportAsync("http://me:secret@example.org/tree/"));
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
        Assert.Contains("http://example.org/tree/", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task WhatTheDistrosPackageGivesTakesTheImportsPlace()
    {
        await ImportAsync(tree.Root);
        using var repository = new AptRepository();
        repository.AddKernel(OtherArchive.Uname, marker: "of_the_package");
        repository.Publish();
        await using var mirror = await MirrorServer.StartAsync(repository.Root);
        Directory.CreateDirectory(_archive.SourcesFolder);
        await _archive.CrawlAsync("debian", r => r with { Releases = ["bookworm"], Mirrors = new Archive.Crawler.Runs.MirrorOverride([mirror.Url], [], repository.Keyring) });
        var records = await _archive.RecordsAsync();
        Assert.Equal(2, records.Count(r => r.Outcome == Outcome.Published));
        Assert.Null(_archive.Provenance(records[0]).ImportedFrom);
    }

    [Theory]
    [InlineData("/nowhere/at/all")]
    [InlineData("/etc/hostname")]
    public async Task WhatIsNoTreeIsNamed(string place) => Assert.Contains(place, (await Assert.ThrowsAsync<CrawlImportException>(() => ImportAsync(place))).Message);

    [Fact]
    public async Task KernelsOfAListAreADenominatorOfCoverage()
    {
        await ImportAsync(tree.Root);
        using var folder = new TempFolder();
        var list = folder.Write("list.json", $$"""
            {"CentOS": [{"kernelversion": 1, "kernelrelease": "3.10.0-514.26.2.el7.x86_64", "target": "centos", "headers": ["http://vault.centos.org/centos/7.3.1611/updates/x86_64/Packages/kernel-devel-3.10.0-514.26.2.el7.x86_64.rpm"]}],
             "Debian": [{"kernelversion": 1, "kernelrelease": "6.1.99-1-amd64", "target": "debian", "headers": ["http://security.debian.org/pool/updates/main/l/linux/linux-headers-{{OtherArchive.Uname}}_6.1.99-1_amd64.deb",
               "http://security.debian.org/pool/updates/main/l/linux/linux-headers-6.1.0-99-common_6.1.99-1_all.deb"]}],
             "Oracle8": [{"kernelversion": 1, "kernelrelease": "5.4.17-2011.6.2.el8uek.x86_64", "target": "oracle8", "headers": ["http://yum.oracle.com/repo/OracleLinux/OL8/UEKR6/x86_64/getPackage/kernel-uek-devel-5.4.17-2011.6.2.el8uek.x86_64.rpm"]}],
             "Minikube": [{"kernelversion": "1_1.26.0", "kernelrelease": "5.10.57", "target": "minikube", "kernelconfigdata": "Q09O"}]}
            """);
        using var store = await _archive.OpenAsync();
        using var imports = new ArchiveImports(store, TimeProvider.System);
        var report = await imports.ListAsync(list, "amd64", default);
        Assert.Equal((3, "Minikube"), (report.Kernels, Assert.Single(report.LeftOut)));
        var rows = await store.Catalogue.ListedCoverageAsync(new ListedFilter(), default);
        Assert.Equal(
            ["centos/7 no-package", "debian/12 published", "ol/8 no-package"],
            rows.Select(r => $"{r.Distro}/{r.Version} {Assert.Single(r.Outcomes).Key}"));
        Assert.Equal(["centos/7/x86_64/3.10.0-514.26.2.el7.x86_64", "ol/8/x86_64/5.4.17-2011.6.2.el8uek.x86_64"], (await store.Catalogue.ListedGapsAsync(new ListedFilter(), default)).Select(g => g.Key.ToString()));
        await Assert.ThrowsAsync<CrawlImportException>(() => imports.ListAsync(folder.Write("other.json", "[1, 2]"), "amd64", default));
        await Assert.ThrowsAsync<CrawlImportException>(() => imports.ListAsync(list, "vax", default));
    }

    private async Task<ImportReport> ImportAsync(string place)
    {
        using var store = await _archive.OpenAsync();
        using var imports = new ArchiveImports(store, TimeProvider.System);
        return await imports.TreeAsync(place, null, default);
    }
}
