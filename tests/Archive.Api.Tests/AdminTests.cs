using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Archive.Api.Admin;
using Archive.Store.Blobs;
using Archive.Store.Kernels;
using TestKit;

namespace Archive.Api.Tests;

/// <summary>Administration, metrics, settings.</summary>
public sealed class AdminTests : IDisposable
{
    private static readonly byte[] Btf = ApiFixture.MakeBtf("admin_marker"), Other = ApiFixture.MakeBtf("admin_other_marker");
    private static readonly string Program = typeof(ApiOptions).Assembly.Location;
    private readonly ApiFixture _api = new([]);

    public void Dispose() => _api.Dispose();

    private async Task<HttpResponseMessage> PostAsync(string path, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key ?? (await File.ReadAllTextAsync(Path.Combine(_api.Data, "keys", "admin.key"))).Trim());
        return await _api.Client.SendAsync(request);
    }

    private static async Task<JsonNode> JsonAsync(HttpResponseMessage answer) => JsonNode.Parse(await answer.Content.ReadAsStringAsync())!;

    /// <summary>The report of a job, when it is done.</summary>
    private async Task<JsonNode> RunJobAsync(string path)
    {
        using var started = await PostAsync(path);
        Assert.Equal(HttpStatusCode.Accepted, started.StatusCode);
        while (true)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, started.Headers.Location);
            request.Headers.Add("X-Api-Key", (await File.ReadAllTextAsync(Path.Combine(_api.Data, "keys", "admin.key"))).Trim());
            var job = await JsonAsync(await _api.Client.SendAsync(request));
            if (job["state"]!.GetValue<string>() != "running")
                return job["report"] ?? throw new InvalidOperationException(job.ToJsonString());
            await Task.Delay(20);
        }
    }

    [Theory]
    [InlineData("/v1/admin/verify")]
    [InlineData("/v1/admin/reindex")]
    [InlineData("/v1/admin/import/tree?place=http://127.0.0.1:1/")]
    [InlineData("/v1/admin/import/list?place=x")]
    [InlineData("/v1/admin/crawls/debian")]
    [InlineData("/v1/admin/kernels/debian/12/x86_64/6.1.0-1-amd64/withdraw?reason=x")]
    [InlineData("/v1/admin/kernels/debian/12/x86_64/6.1.0-1-amd64/retry")]
    public async Task NothingIsDoneWithoutAKey(string path)
    {
        await _api.PublishAsync(ApiFixture.Build("6.1.0-1-amd64"), Btf);
        foreach (var key in (string[])["wrong", new string('0', 64)])
            Assert.Equal(HttpStatusCode.Unauthorized, (await PostAsync(path, key)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _api.Client.PostAsync(path, null)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await _api.Client.GetAsync("/debian/12/x86_64/6.1.0-1-amd64.btf")).StatusCode);
        Assert.Empty(await _api.Store.Catalogue.AuditsAsync(10, default));
    }

    [Fact]
    public async Task WithdrawnBuildIsGoneAndTheOlderOneIsServed()
    {
        var older = await _api.PublishAsync(ApiFixture.Build("6.1.0-1-amd64", "1"), Btf);
        await _api.PublishAsync(ApiFixture.Build("6.1.0-1-amd64", "2"), Other);
        const string Path = "/v1/admin/kernels/debian/bookworm/amd64/6.1.0-1-amd64/withdraw?reason=wrong%20compiler";
        Assert.Equal(HttpStatusCode.Conflict, (await PostAsync(Path)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(Path + "&package_version=2")).StatusCode);
        Assert.Equal(older.Raw, ApiFixture.Form(await _api.Client.GetByteArrayAsync("/debian/12/x86_64/6.1.0-1-amd64.btf")));
        await using (var tree = await _api.Store.Blobs.OpenReadAsync(BlobPaths.Tree(ApiFixture.Build("6.1.0-1-amd64").Key), default))
            Assert.Equal(older.Tarball.Size, tree!.Length);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(Path)).StatusCode);
        var miss = await _api.GetAsync("/debian/12/x86_64/6.1.0-1-amd64.btf");
        Assert.Equal("withdrawn", miss["class"]!.GetValue<string>());
        Assert.Contains("wrong compiler", miss["detail"]!.GetValue<string>());
        Assert.Null(await _api.Store.Blobs.StatAsync(BlobPaths.Tree(ApiFixture.Build("6.1.0-1-amd64").Key), default));
        Assert.Equal(3, (await _api.Store.Catalogue.AuditsAsync(10, default)).Count);
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync("/v1/admin/kernels/debian/12/x86_64/6.1.0-1-amd64/withdraw")).StatusCode);
    }

    [Fact]
    public async Task FailedKernelIsTriedAgainByTheNextCrawl()
    {
        var build = ApiFixture.Build("6.1.0-2-amd64");
        await _api.Store.Catalogue.SeenAsync(build, default);
        await _api.Store.Catalogue.RecordOutcomeAsync(build, Outcome.Malformed, "a bad form", null, default);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync("/v1/admin/kernels/debian/12/x86_64/6.1.0-2-amd64/retry")).StatusCode);
        var record = (await _api.Store.Catalogue.FindAsync(build.Key, build.PackageName, build.PackageVersion, default))!;
        Assert.True(record.RetryAt <= DateTimeOffset.UtcNow);
        Assert.Equal((Outcome.Malformed, "a bad form", 1), (record.Outcome, record.Reason, record.Attempts));
        Assert.Equal(HttpStatusCode.NotFound, (await PostAsync("/v1/admin/kernels/debian/12/x86_64/6.1.0-3-amd64/retry")).StatusCode);
    }

    [Fact]
    public async Task VerifyFindsWhatIsDamaged()
    {
        var publication = await _api.PublishAsync(ApiFixture.Build("6.1.0-1-amd64"), Btf);
        Assert.Equal(0, (await RunJobAsync("/v1/admin/verify"))["problems"]!.GetValue<int>());
        await _api.Store.Blobs.PutAsync(BlobPaths.Tarball(publication.Tarball.Sha256), new MemoryStream([1, 2, 3]), PutMode.Replace, default);
        var report = await RunJobAsync("/v1/admin/verify");
        Assert.Contains(publication.Tarball.Sha256, report["findings"]![0]!["problem"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.Conflict, (await PostAsync("/v1/admin/crawls/debian")).StatusCode); // This process does not crawl.
    }

    [Fact]
    public async Task MetricsTellRequestsByRouteBytesAndKernels()
    {
        await _api.PublishAsync(ApiFixture.Build("6.1.0-1-amd64"), Btf);
        await _api.Client.GetByteArrayAsync("/debian/12/x86_64/6.1.0-1-amd64.btf");
        await _api.Client.GetAsync("/debian/12/x86_64/6.1.0-9-amd64.btf");
        foreach (var path in (string[])["/metrics", "/monitoring/metrics"])
        {
            var metrics = await _api.Client.GetStringAsync(path);
            Assert.Matches(@"http_server_request_duration_seconds_count\{.*http_response_status_code=""404"".*\} [1-9]", metrics);
            Assert.Matches(@"btf_archive_sent_bytes_total\{.*\} [1-9]", metrics);
            Assert.Contains("btf_archive_kernels{state=\"published\"} 1\n", metrics);
            foreach (var line in metrics.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(l => l[0] != '#'))
                Assert.Matches(@"^[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? -?([0-9.]+([eE][-+]?\d+)?|NaN|[+]?Inf)$", line);
        }
    }

    [Theory]
    [InlineData("Admin:Keys", "--Urls=http://0.0.0.0:0", "--Admin:Enabled=true")]
    [InlineData("Admin:Keys:ops", "--Admin:Keys:ops=secret")]
    [InlineData("FormCacheBytes", "--FormCacheBytes=0")]
    [InlineData("FormCacheBytes", "--FormCacheBytes=much")]
    [InlineData("'no-slash'", "--TreePrefixes:0=no-slash")]
    [InlineData("ShutdownSeconds", "--Limits:ShutdownSeconds=-1")]
    [InlineData("RequestsPerSecond", "--Limits:RequestsPerSecond=-5")]
    [InlineData("DataDirectory", "--DataDirectory= ")]
    [InlineData("Crawler:Sources:nowhere", "--Crawler:Sources:nowhere:Newest=2")]
    public void WrongSettingIsNamedAndNothingStarts(string named, params string[] settings)
    {
        using var folder = new TempFolder();
        var result = Tool.Try("dotnet", [Program, "--Roles:Crawler=false", $"--DataDirectory={folder.FullPath}", .. settings], TimeSpan.FromSeconds(60));
        Assert.Equal(2, result.Status);
        Assert.Contains(named, result.Errors);
        Assert.DoesNotContain("   at ", result.Errors);
    }

    [Fact]
    public void HelpNamesTheCommandsAndStartsNothing() => Assert.Contains("admin-key", Tool.Run("dotnet", Program, "--help"));

    [Theory]
    [InlineData("serve")]
    [InlineData("-x")]
    [InlineData("snyc", "http://127.0.0.1:1", "folder")]
    public void AWordThatIsNoCommandStartsNothing(params string[] words)
    {
        var result = Tool.Try("dotnet", [Program, .. words], TimeSpan.FromSeconds(60));
        Assert.Equal(2, result.Status);
        Assert.Contains(words[0], result.Errors);
    }

    [Fact]
    public void AdminKeyIsMadeWithTheSettingThatLetsItIn()
    {
        var lines = Tool.Run("dotnet", Program, "admin-key", "ops").Split('\n');
        var key = lines[0].Split(": ")[1];
        Assert.Equal($"setting: Admin__Keys__ops={ApiFixture.Form(System.Text.Encoding.UTF8.GetBytes(key)).Sha256}", lines[1]);
    }

    [Fact]
    public async Task ReplicasThatStartAtOnceOverOneFolderHaveOneKey()
    {
        for (var round = 0; round < 20; round++)
        {
            using var folder = new TempFolder();
            using var together = new Barrier(8);
            var replicas = await Task.WhenAll(Enumerable.Range(0, together.ParticipantCount).Select(_ => Task.Factory.StartNew(() =>
            {
                together.SignalAndWait();
                return AdminKeys.Open(new AdminOptions(), isLoopback: true, folder.FullPath)!;
            }, TaskCreationOptions.LongRunning)));
            var file = Assert.Single(Directory.GetFiles(Path.Combine(folder.FullPath, "keys"), "admin*"));
            var key = (await File.ReadAllTextAsync(file)).Trim();
            Assert.All(replicas, replica => Assert.Equal("local", replica.NameOf(key)));
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
        }
    }

    [Fact]
    public async Task DownloadThatRunsIsFinishedWhenTheServerStops()
    {
        using var folder = new TempFolder();
        var big = new byte[64 << 20];
        Random.Shared.NextBytes(big);
        using var own = new ApiFixture(("Limits:ShutdownSeconds", "30"));
        var digest = ApiFixture.Form(big);
        await own.Store.Blobs.PutAsync(BlobPaths.Modules(digest.Sha256), new MemoryStream(big), PutMode.CreateOnly, default);
        using var client = new HttpClient();
        using var answer = await client.GetAsync(new Uri(own.Address, $"/by-digest/{digest.Sha256[..2]}/{digest.Sha256}.modules.tar.xz"), HttpCompletionOption.ResponseHeadersRead);
        var stopping = Task.Run(own.Stop);
        await Task.Delay(300);
        Assert.Equal(digest, ApiFixture.Form(await answer.Content.ReadAsByteArrayAsync()));
        await stopping;
    }
}
