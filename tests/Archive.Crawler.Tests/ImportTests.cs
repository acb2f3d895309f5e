using System.Text;
using Archive.Crawler.Imports;
using Archive.Extractor.Packages;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using TestKit;

namespace Archive.Crawler.Tests;

/// <summary>Trees of other archives, and lists of kernels.</summary>
public sealed class ImportTests(ImportTests.Tree tree) : IClassFixture<ImportTests.Tree>, IDisposable
{
    private readonly CrawlWorkspace _archive = new();

    public void Dispose() => _archive.Dispose();

    [Theory]
    [InlineData("folder")]
    [InlineData("tarball")]
    [InlineData("pages")]
    [InlineData("digests")]
    public async Task EveryFileIsCheckedAndWhatIsGoodIsPublishedAsImported(string form)
    {
        await using var server = await MirrorServer.StartAsync(tree.Root);
        server.Fault = form switch { "pages" => tree.ServePagesAsync, "digests" => tree.ServeDigestsAsync, _ => null };
        var place = form switch { "folder" => tree.Root, "tarball" => tree.Tarball, _ => server.Url.AbsoluteUri };
        var report = await ImportAsync(place);
        Assert.Equal((6, 1, 0, 5), (report.Files, report.Published, report.Present, report.Refused));
        foreach (var (path, problem) in Tree.Bad)
            Assert.Contains(report.Problems, p => p.Contains(path, StringComparison.Ordinal) && p.Contains(problem, StringComparison.Ordinal));
        var record = Assert.Single(await _archive.RecordsAsync());
        Assert.Equal(("debian/12/x86_64/" + Tree.Uname, Outcome.Published, "imported"), (record.Build.Key.ToString(), record.Outcome, record.Publication!.TakenFrom));
        var provenance = _archive.Provenance(record);
        Assert.Equal(("imported", false), (provenance.Conversion.TakenFrom, provenance.ImportedFrom is null));
        Assert.Null(provenance.Index);
        Assert.Equal((6, 0, 1), ((await ImportAsync(place)).Files, (await ImportAsync(place)).Published, (await ImportAsync(place)).Present));
    }

    [Fact]
    public async Task WhatTheDistrosPackageGivesTakesTheImportsPlace()
    {
        await ImportAsync(tree.Root);
        using var repository = new AptRepository();
        repository.AddKernel(Tree.Uname, marker: "of_the_package");
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
             "Debian": [{"kernelversion": 1, "kernelrelease": "6.1.99-1-amd64", "target": "debian", "headers": ["http://security.debian.org/pool/updates/main/l/linux/linux-headers-{{Tree.Uname}}_6.1.99-1_amd64.deb",
               "http://security.debian.org/pool/updates/main/l/linux/linux-headers-6.1.0-99-common_6.1.99-1_all.deb"]}],
             "Oracle8": [{"kernelversion": 1, "kernelrelease": "5.4.17-2011.6.2.el8uek.x86_64", "target": "oracle8", "headers": ["http://yum.oracle.com/repo/OracleLinux/OL8/UEKR6/x86_64/getPackage/kernel-uek-devel-5.4.17-2011.6.2.el8uek.x86_64.rpm"]}],
             "Minikube": [{"kernelversion": "1_1.26.0", "kernelrelease": "5.10.57", "target": "minikube", "kernelconfigdata": "Q09O"}]}
            """);
        using var store = await _archive.OpenAsync();
        using var imports = new ArchiveImports(store, TimeProvider.System);
        var report = await imports.ListAsync(list, "amd64", default);
        Assert.Equal((3, "Minikube"), (report.Kernels, Assert.Single(report.LeftOut)));
        var rows = await store.Catalogue.ListedCoverageAsync(new KernelFilter(), default);
        Assert.Equal(
            ["centos/7 pending", "debian/12 published", "ol/8 pending"],
            rows.Select(r => $"{r.Distro}/{r.Version} {Assert.Single(r.Outcomes).Key}"));
        Assert.Equal(["centos/7/x86_64/3.10.0-514.26.2.el7.x86_64", "ol/8/x86_64/5.4.17-2011.6.2.el8uek.x86_64"], (await store.Catalogue.ListedGapsAsync(new KernelFilter(), default)).Select(g => g.Key.ToString()));
        await Assert.ThrowsAsync<CrawlImportException>(() => imports.ListAsync(folder.Write("other.json", "[1, 2]"), "amd64", default));
        await Assert.ThrowsAsync<CrawlImportException>(() => imports.ListAsync(list, "vax", default));
    }

    private async Task<ImportReport> ImportAsync(string place)
    {
        using var store = await _archive.OpenAsync();
        using var imports = new ArchiveImports(store, TimeProvider.System);
        return await imports.TreeAsync(place, null, default);
    }

    /// <summary>A tree with one good file, and one of each kind that is not.</summary>
    public sealed class Tree : IDisposable
    {
        public const string Uname = "6.1.0-99-cloud-amd64";
        private readonly TempFolder _folder = new();

        public Tree()
        {
            var btf = Btf("struct pt_regs { unsigned long r15, orig_ax; } registers;");
            Write($"debian/12/x86_64/{Uname}.btf.tar.xz", BtfTarball.Pack(Uname, btf, 1));
            Write($"debian/12/arm64/{Uname}.btf.tar.xz", BtfTarball.Pack(Uname, btf, 1));
            Write("debian/12/x86_64/6.1.0-98-cloud-amd64.btf.tar.xz", BtfTarball.Pack(Uname, btf, 1));
            Write("debian/12/x86_64/6.1.0-97-cloud-amd64.btf.tar.xz", Encoding.ASCII.GetBytes("this is no tarball"));
            Write("debian/12/x86_64/6.1.0-96-cloud-amd64.btf.tar.xz", BtfTarball.Pack("6.1.0-96-cloud-amd64", btf.AsSpan(0, btf.Length / 2), 1));
            Write("debian/12/x86_64/6.1.0-95-cloud-amd64.btf.tar.xz", BtfTarball.Pack("6.1.0-95-cloud-amd64", btf.AsSpan(0, 40), 1));
            Tool.Run("tar", "-czf", Tarball, "-C", _folder.FullPath, "tree");
        }

        public static IReadOnlyList<(string Path, string Problem)> Bad { get; } = [
            ("arm64/6.1.0-99", "the registers are of x86_64"), ("6.1.0-98", "the tarball has"), ("6.1.0-97", ""), ("6.1.0-96", ""), ("6.1.0-95", ""),
        ];

        public string Root => _folder.File("tree");

        public string Tarball => _folder.File("tree.tar.gz");

        public async Task<bool> ServePagesAsync(Microsoft.AspNetCore.Http.HttpContext context)
        {
            var folder = Path.Combine(Root, context.Request.Path.Value!.Trim('/'));
            if (!Directory.Exists(folder))
                return false;
            var links = new DirectoryInfo(folder).EnumerateFileSystemInfos().Select(f => f is DirectoryInfo ? f.Name + "/" : f.Name).Select(n => $"<a href=\"{n}\">{n}</a>");
            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes($"<html><a href=\"../\">up</a>{string.Concat(links)}</html>"));
            return true;
        }

        public async Task<bool> ServeDigestsAsync(Microsoft.AspNetCore.Http.HttpContext context)
        {
            if (context.Request.Path != "/SHA256SUMS")
                return false;
            var lines = Directory.EnumerateFiles(Root, "*", SearchOption.AllDirectories)
                .Select(f => $"{Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(f)))}  {Path.GetRelativePath(Root, f)}\n");
            await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(string.Concat(lines)));
            return true;
        }

        public void Dispose() => _folder.Dispose();

        private byte[] Btf(string registers)
        {
            var image = _folder.File("vmlinux");
            KernelSample.Build(image, Uname, withBtf: true, more: registers);
            Tool.Run("objcopy", "-O", "binary", "--only-section=.BTF", "--set-section-flags", ".BTF=alloc", image, _folder.File("btf"));
            return File.ReadAllBytes(_folder.File("btf"));
        }

        private void Write(string path, byte[] bytes)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(Root, path))!);
            File.WriteAllBytes(Path.Combine(Root, path), bytes);
        }
    }
}
