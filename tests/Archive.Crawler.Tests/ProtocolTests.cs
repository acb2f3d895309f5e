using System.Text.Json.Nodes;
using Archive.Crawler.Runs;
using Archive.Crawler.Sources;
using TestKit;

namespace Archive.Crawler.Tests;

/// <summary>Launchpad's and snapshot.debian.org's interfaces, in the shapes that they document, and folders of this machine.</summary>
public sealed class ProtocolTests : IDisposable
{
    private readonly AptRepository _repository = new();
    private readonly CrawlWorkspace _archive = new();
    private readonly TempFolder _site = new();

    public void Dispose()
    {
        _repository.Dispose();
        _archive.Dispose();
        _site.Dispose();
    }

    [Fact]
    public async Task PackagesOfAFolderArePublishedAndASingleFileToo()
    {
        _repository.AddKernel("6.1.0-99-cloud-amd64");
        _repository.AddKernel("6.1.0-98-cloud-amd64", "6.1.98-1");
        AddSource("folder", new Uri(Path.Combine(_repository.Root, "pool")).AbsoluteUri, ".");
        var (result, _) = await _archive.CrawlAsync();
        Assert.Equal((2, 2, null), (result.Found, result.Published, result.Error));
        var record = (await _archive.RecordsAsync())[0];
        Assert.Null(_archive.Provenance(record).Index);
        Assert.Equal(64, record.Build.PackageSha256.Length);

        using var other = new CrawlWorkspace();
        AddSource("folder", new Uri(Path.Combine(_repository.Root, AptRepository.PathOf("6.1.0-99-cloud-amd64"))).AbsoluteUri, ".", other);
        Assert.Equal(1, (await other.CrawlAsync()).Result.Published);

        AddSource("folder", "file:///nowhere/at/all", ".");
        Assert.Contains("no such folder", (await Assert.ThrowsAsync<CrawlException>(() => _archive.CrawlAsync())).Message);
    }

    [Theory]
    [InlineData("vmlinux", true)]
    [InlineData("vmlinux-6.1.0-99-cloud-amd64", false)]
    public async Task AVmlinuxWithoutAPackageIsAKernelToo(string name, bool isSingle)
    {
        const string Uname = "6.1.0-99-cloud-amd64";
        var image = _site.File(name);
        KernelSample.Build(image, Uname, withBtf: false);
        _site.Write("vmlinux.txt", "this is no kernel");
        AddSource("folder", new Uri(isSingle ? image : _site.FullPath).AbsoluteUri, ".");
        Assert.Equal((1, 1, null), (await _archive.CrawlAsync()).Result is var first ? (first.Found, first.Published, first.Error) : default);
        var record = Assert.Single(await _archive.RecordsAsync());
        Assert.Equal((Uname, "dwarf"), (record.Build.Key.Uname, record.Publication!.TakenFrom));
        Assert.Equal(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(image))), record.Build.PackageSha256);
        Assert.Equal(0, (await _archive.CrawlAsync()).Result.New);

        KernelSample.Build(image, Uname, marker: "of_the_next_build");
        File.SetLastWriteTimeUtc(image, DateTime.UtcNow.AddMinutes(1));
        Assert.Equal(1, (await _archive.CrawlAsync()).Result.Published);
    }

    [Fact]
    public async Task LaunchpadIsReadPageByPageAndItsFilesAreThoseOfBuilds()
    {
        const string Uname = "6.1.0-99-generic";
        _repository.AddKernel(Uname, "6.1.0-99.109");
        await using var server = await MirrorServer.StartAsync(_site.FullPath);
        var pages = new Queue<string>([
            Page(server.Url, "2", Entry(server.Url, $"linux-image-unsigned-{Uname}-dbgsym", "Proposed", "Superseded"), Entry(server.Url, "linux-image-generic", "Release", "Published")),
            Page(server.Url, "3", Entry(server.Url, "linux-image-6.1.0-97-generic-dbg", "Updates", "Deleted")),
            Page(server.Url, null, Entry(server.Url, $"linux-image-{Uname}-dbg", "Updates", "Superseded")),
        ]);
        server.Fault = async context =>
        {
            if (context.Request.Path.Value!.EndsWith("+archive/primary", StringComparison.Ordinal))
            {
                Assert.Equal("getPublishedBinaries", context.Request.Query["ws.op"].ToString());
                Assert.EndsWith("/devel/ubuntu/jammy/amd64", context.Request.Query["distro_arch_series"].ToString());
                await context.Response.Body.WriteAsync(System.Text.Encoding.UTF8.GetBytes(pages.Dequeue()));
                return true;
            }
            if (!context.Request.Path.Value.EndsWith($"/+build/77/+files/linux-image-{Uname}-dbg_6.1.0-99.109_amd64.ddeb", StringComparison.Ordinal))
                return false;
            await context.Response.Body.WriteAsync(await File.ReadAllBytesAsync(Path.Combine(_repository.Root, AptRepository.PathOf(Uname, "6.1.0-99.109"))));
            return true;
        };
        AddSource("launchpad", server.Url.AbsoluteUri, "jammy");
        var (result, _) = await _archive.CrawlAsync();
        Assert.Equal((1, 1), (result.Found, result.Published));
        Assert.Empty(pages);
        var index = _archive.Provenance(Assert.Single(await _archive.RecordsAsync())).Index!;
        Assert.Equal((false, "a test"), (index.IsVerified, index.Unverified));
    }

    [Theory]
    [InlineData("http://elsewhere.example/next")]
    [InlineData("not a link")]
    public async Task PagesThatLeadElsewhereAreRefused(string next)
    {
        await using var server = await MirrorServer.StartAsync(_site.FullPath);
        server.Fault = async context =>
        {
            await context.Response.Body.WriteAsync(System.Text.Encoding.UTF8.GetBytes($$"""{"entries": [], "next_collection_link": "{{next}}"}"""));
            return true;
        };
        AddSource("launchpad", server.Url.AbsoluteUri, "jammy");
        Assert.Contains("the next page is", (await Assert.ThrowsAsync<CrawlException>(() => _archive.CrawlAsync())).Message);
    }

    [Fact]
    public async Task PagesWithoutEndAreRefused()
    {
        await using var server = await MirrorServer.StartAsync(_site.FullPath);
        var pages = 0;
        server.Fault = async context =>
        {
            var next = new Uri(server.Url, $"devel/{Interlocked.Increment(ref pages)}");
            await context.Response.Body.WriteAsync(System.Text.Encoding.UTF8.GetBytes($$"""{"entries": [], "next_collection_link": "{{next}}"}"""));
            return true;
        };
        AddSource("launchpad", server.Url.AbsoluteUri, "jammy", more: "\"politeness\": { \"requests_per_second\": 100000 },");
        Assert.Contains("has more than 2000 pages", (await Assert.ThrowsAsync<CrawlException>(() => _archive.CrawlAsync())).Message);
        Assert.Equal(2000, pages);
    }

    [Fact]
    public async Task SnapshotsFilesAreFoundByVersionAndBinaryAndCheckedByTheirDigest()
    {
        const string Uname = "6.1.0-99-amd64", Version = "6.1.99-1";
        var name = $"linux-image-{Uname}-dbg";
        _repository.AddKernel(Uname, Version);
        var deb = await File.ReadAllBytesAsync(Path.Combine(_repository.Root, AptRepository.PathOf(Uname, Version)));
        var sha1 = Tool.Run("sha1sum", Path.Combine(_repository.Root, AptRepository.PathOf(Uname, Version))).Split(' ')[0];
        Write("mr/package/linux/index.json", """{"_comment": "foo", "package": "linux", "result": [{"version": "6.1.99-1"}, {"version": "5.10.1-1"}]}""");
        Write("mr/package/linux/6.1.99-1/binpackages", $$"""{"result": [{"name": "{{name}}", "version": "{{Version}}"}, {"name": "linux-doc-6.1", "version": "{{Version}}"}]}""");
        Write("mr/package/linux/5.10.1-1/binpackages", """{"result": [{"name": "linux-image-5.10.0-1-amd64-dbg", "version": "5.10.1-1"}]}""");
        Write($"mr/binary/{name}/{Version}/binfiles", $$"""
            {"result": [{"architecture": "amd64", "hash": "{{sha1}}"}, {"architecture": "arm64", "hash": "{{new string('0', 40)}}"}],
             "fileinfo": {"{{sha1}}": [
               {"archive_name": "debian", "first_seen": "20240101T000000Z", "name": "{{name}}_{{Version}}_amd64.deb", "path": "/pool/main/l/linux", "size": {{deb.Length}} },
               {"archive_name": "debian-security", "first_seen": "20231231T000000Z", "name": "{{name}}_{{Version}}_amd64.deb", "path": "/pool/updates/main/l/linux", "size": {{deb.Length}} }]} }
            """);
        // The first place has lost it; the second has it.
        Directory.CreateDirectory(_site.File("archive/debian-security/20231231T000000Z/pool/updates/main/l/linux"));
        await File.WriteAllBytesAsync(_site.File($"archive/debian-security/20231231T000000Z/pool/updates/main/l/linux/{name}_{Version}_amd64.deb"), deb);
        await using var server = await MirrorServer.StartAsync(_site.FullPath);
        server.Fault = async context =>
        {
            if (context.Request.Path != "/mr/package/linux/")
                return false;
            await context.Response.Body.WriteAsync(await File.ReadAllBytesAsync(_site.File("mr/package/linux/index.json")));
            return true;
        };
        AddSource("snapshot", server.Url.AbsoluteUri, "linux", distro: "debian");
        var (result, events) = await _archive.CrawlAsync();
        Assert.Equal((1, 1), (result.Found, result.Published));
        Assert.Single(events.OfType<MirrorPassedOver>());
        Assert.Equal("debian/12/x86_64/" + Uname, Assert.Single(await _archive.RecordsAsync()).Build.Key.ToString());
    }

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_site.File(path))!);
        File.WriteAllText(_site.File(path), text);
    }

    private void AddSource(string protocol, string mirror, string repository, CrawlWorkspace? archive = null, string distro = "testos", string more = "") => (archive ?? _archive).AddSource("testos", $$"""
        {
          "id": "testos", "distro": "{{distro}}", "protocol": "{{protocol}}", {{more}} "unverified": "a test", "mirrors": { "main": [ "{{mirror}}" ] },
          "packages": [ { "grade": "debug", "name": "^linux-image-(unsigned-)?(?<uname>[0-9]+\\.[0-9]+\\.[0-9]+-.+)-dbg(sym)?$" } ],
          "arches": { "amd64": "x86_64" },
          "releases": [ { "codename": "twelve", "version": "12", "stable": true, "repositories": [ { "name": "{{repository}}" } ] } ]
        }
        """);

    private static string Page(Uri server, string? next, params JsonObject[] entries) => new JsonObject
    {
        ["start"] = 0,
        ["total_size"] = 3,
        ["entries"] = new JsonArray([.. entries]),
        ["next_collection_link"] = next is null ? null : $"{server}devel/ubuntu/+archive/primary?ws.op=getPublishedBinaries&distro_arch_series={Uri.EscapeDataString($"{server}devel/ubuntu/jammy/amd64")}&ws.start={next}",
    }.ToJsonString();

    private static JsonObject Entry(Uri server, string name, string pocket, string status) => new()
    {
        ["binary_package_name"] = name,
        ["binary_package_version"] = "6.1.0-99.109",
        ["pocket"] = pocket,
        ["status"] = status,
        ["date_superseded"] = status == "Deleted" ? null : "2026-01-01T00:00:00+00:00",
        ["build_link"] = $"{server}devel/~canonical-kernel-team/+archive/ubuntu/ppa/+build/77",
    };
}
