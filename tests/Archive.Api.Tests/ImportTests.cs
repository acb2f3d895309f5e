using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using TestKit;

namespace Archive.Api.Tests;

/// <summary>Imports by administrators, and coverage against what is listed.</summary>
public sealed class ImportTests(OtherArchive tree) : IClassFixture<OtherArchive>, IDisposable
{
    private readonly ApiFixture _api = new([]);

    public void Dispose() => _api.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task AJobImportsATreeAndItsGoodFileIsServed(bool overHttp)
    {
        await using var server = await MirrorServer.StartAsync(tree.Root);
        server.Fault = tree.ServeDigestsAsync;
        Place("tree.tar.gz", await File.ReadAllBytesAsync(tree.Tarball));
        var report = await RunAsync("/v1/admin/import/tree?place=" + Uri.EscapeDataString(overHttp ? server.Url.AbsoluteUri : "tree.tar.gz"));
        Assert.Equal((6, 5, 1), (Number(report, "checked"), Number(report, "problems"), Number(report["counts"]!, "published")));
        Assert.Contains(report["findings"]!.AsArray(), f => f!["place"]!.GetValue<string>().Contains("arm64") && f["problem"]!.GetValue<string>().Contains("registers"));
        var served = await _api.Client.GetByteArrayAsync($"/debian/12/x86_64/{OtherArchive.Uname}.btf");
        Assert.Equal([0x9f, 0xeb], served[..2]);
        var provenance = JsonNode.Parse(await _api.Client.GetStringAsync($"/v1/btf/{ApiFixture.Form(served).Sha256}/provenance"))!;
        Assert.Equal("imported", provenance["conversion"]!["taken_from"]!.GetValue<string>());
        Assert.Equal("/v1/admin/import/tree", Assert.Single(await _api.Store.Catalogue.AuditsAsync(10, default)).Action);
    }

    [Theory]
    [InlineData("/v1/admin/import/tree", HttpStatusCode.BadRequest)]
    [InlineData("/v1/admin/import/tree?place=nowhere", HttpStatusCode.BadRequest)]
    [InlineData("/v1/admin/import/tree?place=/etc", HttpStatusCode.BadRequest)]
    [InlineData("/v1/admin/import/list?place=../keys/admin.key&arch=amd64", HttpStatusCode.BadRequest)]
    [InlineData("/v1/admin/import/tree?place=http://me:secret@127.0.0.1:1/", HttpStatusCode.BadRequest)]
    [InlineData("/v1/admin/import/tree?place=file:///etc", HttpStatusCode.BadRequest)]
    public async Task WhatIsNoPlaceToImportFromIsSaidAtOnce(string path, HttpStatusCode status)
    {
        using var answer = await PostAsync(path);
        Assert.Equal(status, answer.StatusCode);
        Assert.DoesNotContain("secret", await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task AServerThatFailsIsTheJobsError()
    {
        Assert.Contains("127.0.0.1:1", await FailAsync("/v1/admin/import/tree?place=http://127.0.0.1:1/"));
        Place("list.json", "[1, 2]"u8);
        Assert.Contains("no list of kernel-crawler", await FailAsync("/v1/admin/import/list?place=list.json&arch=amd64"));
        Assert.Contains("name the architecture", await FailAsync("/v1/admin/import/list?place=list.json"));
    }

    [Fact]
    public async Task CoverageCountsWhatIsListedAndNamesWhatIsMissingWithTheReason()
    {
        var (published, failed) = (ApiFixture.Build("6.1.0-1-amd64"), ApiFixture.Build("6.1.0-2-amd64"));
        await _api.PublishAsync(published, ApiFixture.MakeBtf("listed"));
        await _api.Store.Catalogue.SeenAsync(failed, default);
        await _api.Store.Catalogue.RecordOutcomeAsync(failed, Outcome.NoDebugInfo, "stripped", null, default);
        await _api.Store.Catalogue.RecordListingAsync("debian", ["main"], [Listed(published.Key), Listed(failed.Key), Listed(ApiFixture.Build("6.1.0-3-amd64").Key)], default);
        Place("x86_64/list.json", """
            {"Debian": [{"kernelrelease": "6.1.4-1", "headers": ["http://mirror.example/debian/pool/main/l/linux/linux-headers-6.1.0-4-amd64_6.1.4-1_amd64.deb"]},
                        {"kernelrelease": "6.1.1-1", "headers": ["http://mirror.example/debian/pool/main/l/linux/linux-headers-6.1.0-1-amd64_6.1.1-1_amd64.deb"]}],
             "Minikube": []}
            """u8);
        var report = await RunAsync("/v1/admin/import/list?place=x86_64/list.json");
        Assert.Equal((2, 2, "Minikube"), (Number(report, "checked"), Number(report["counts"]!, "debian"), report["findings"]![0]!["place"]!.GetValue<string>()));

        var row = Assert.Single((await _api.GetAsync("/v1/coverage/listed?distro=debian&version=bookworm&arch=amd64"))["coverage"]!.AsArray())!;
        Assert.Equal((4, 1, 0, 1, 2), (Number(row, "listed"), Number(row, "published"), Number(row, "native"), Number(row, "failed"), Number(row, "missing")));
        Assert.Equal("""{"no-debug-info":1,"no-package":1,"pending":1}""", row["reasons"]!.ToJsonString());
        Assert.Empty((await _api.GetAsync("/v1/coverage/listed?distro=ubuntu"))["coverage"]!.AsArray());
        Assert.Equal(
            ["debian/12/x86_64/6.1.0-2-amd64 stripped", "debian/12/x86_64/6.1.0-3-amd64 not tried yet", "debian/12/x86_64/6.1.0-4-amd64 a list of kernels names it, and no source has a package with its types"],
            await GapsAsync("/v1/coverage/listed/gaps"));
        Assert.Equal(["debian/12/x86_64/6.1.0-3-amd64 not tried yet"], await GapsAsync("/v1/coverage/listed/gaps?outcome=pending"));
        Assert.Single(await GapsAsync("/v1/coverage/listed/gaps?after=debian/12/x86_64/6.1.0-3-amd64"));
    }

    [Fact]
    public async Task GapsArePagedOverEveryKernelOnce()
    {
        var kernels = Enumerable.Range(0, 1203).Select(i => ApiFixture.Build($"6.1.{i}+1-amd64", version: i % 2 == 0 ? "12" : "11").Key).ToList();
        await _api.Store.Catalogue.RecordListingAsync("debian", ["main"], kernels.Select(Listed), default);
        var (pages, gaps) = (0, new List<string>());
        for (var path = "/v1/coverage/listed/gaps?distro=debian"; path is not null; pages++)
        {
            var page = await _api.GetAsync(path);
            gaps.AddRange(page["gaps"]!.AsArray().Select(g => g!["place"]!.GetValue<string>()));
            path = page["next"]?.GetValue<string>();
        }
        Assert.Equal(3, pages);
        Assert.Equal(kernels.Select(k => k.ToString()).Order(StringComparer.Ordinal), gaps);
    }

    [Theory]
    [InlineData("listed?arch=%20")]
    [InlineData("listed/gaps?outcome=published")]
    [InlineData("listed/gaps?after=debian")]
    [InlineData("listed/gaps?after=debian/12/x86_64/..")]
    public async Task WrongQuestionIsAProblem(string query) =>
        Assert.Equal(HttpStatusCode.BadRequest, (await _api.Client.GetAsync("/v1/coverage/" + query)).StatusCode);

    private static ListedKernel Listed(KernelKey key) => new("main", key, $"linux-image-{key.Uname}-dbg", "1", "debug", 1, new Uri("http://mirror.example/package.deb"));

    private static int Number(JsonNode node, string name) => node[name]!.GetValue<int>();

    private async Task<IEnumerable<string>> GapsAsync(string path) =>
        [.. (await _api.GetAsync(path))["gaps"]!.AsArray().Select(g => $"{g!["place"]} {g["reason"]}")];

    private void Place(string name, ReadOnlySpan<byte> bytes)
    {
        var path = Path.Combine(_api.Data, "import", name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
    }

    private async Task<JsonNode> RunAsync(string path) => await JobAsync(path) is var job && job["report"] is { } report ? report : throw new InvalidOperationException(job.ToJsonString());

    private async Task<string> FailAsync(string path) => (await JobAsync(path))["error"]!.GetValue<string>();

    private async Task<JsonNode> JobAsync(string path)
    {
        using var started = await PostAsync(path);
        Assert.Equal(HttpStatusCode.Accepted, started.StatusCode);
        while (true)
        {
            using var answer = await SendAsync(HttpMethod.Get, started.Headers.Location!.ToString());
            var job = JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;
            if (job["state"]!.GetValue<string>() != "running")
                return job;
            await Task.Delay(20);
        }
    }

    private Task<HttpResponseMessage> PostAsync(string path) => SendAsync(HttpMethod.Post, path);

    private async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", (await File.ReadAllTextAsync(Path.Combine(_api.Data, "keys", "admin.key"))).Trim());
        return await _api.Client.SendAsync(request);
    }
}
