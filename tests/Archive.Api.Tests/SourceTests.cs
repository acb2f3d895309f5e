using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Archive.Store.Catalogue;
using TestKit;

namespace Archive.Api.Tests;

/// <summary>Sources as the API shows them, and crawls that it is asked for: a whole process that crawls a signed repository.</summary>
public sealed class SourceTests : IAsyncLifetime, IDisposable
{
    private const string Uname = "6.1.0-99-cloud-amd64";
    private readonly AptRepository _repository = new();
    private MirrorServer _mirror = null!;
    private ApiFixture _api = null!;

    public async Task InitializeAsync()
    {
        _repository.AddKernel(Uname);
        _repository.AddKernel("6.1.0-98-cloud-amd64", "6.1.98-1");
        _repository.Publish();
        _mirror = await MirrorServer.StartAsync(_repository.Root);
        _api = new ApiFixture(
            ("Roles:Crawler", "true"), ("Crawler:Sources:debian:Mirrors:0", _mirror.Url.AbsoluteUri), ("Crawler:Sources:debian:Keyring", _repository.Keyring),
            ("Crawler:Sources:debian:Releases:0", "bookworm"), ("Crawler:Sources:debian:Arches:0", "x86_64"), ("Crawler:Sources:debian:RunAtStart", "false"),
            ("Crawler:Sources:debian:Cron", "0 0 3 * * ?"));
    }

    public async Task DisposeAsync() => await _mirror.DisposeAsync();

    public void Dispose()
    {
        _api.Dispose();
        _repository.Dispose();
    }

    [Fact]
    public async Task ACrawlThatIsAskedForRunsAndItsHistoryIsShown()
    {
        var before = await StatusAsync("debian");
        Assert.Equal(("waiting", "0 0 3 * * ?"), (before["state"]!.GetValue<string>(), before["schedule"]!.GetValue<string>()));
        Assert.Equal(3, before["next_run"]!.GetValue<DateTimeOffset>().UtcDateTime.Hour);
        Assert.Contains("btf_archive_source_last_success_age_seconds{source=\"debian\"} +Inf\n", await _api.Client.GetStringAsync("/metrics"));

        Assert.Equal(HttpStatusCode.Accepted, (await CrawlAsync("debian")).StatusCode);
        var after = await EndOfAsync("debian", runs: 1);
        Assert.Equal(("ok", 1, 1), (after["state"]!.GetValue<string>(), after["runs"]!.GetValue<int>(), after["published"]!.GetValue<int>()));
        Assert.InRange(after["last_success_age_seconds"]!.GetValue<long>(), 0, 60);
        Assert.Equal(HttpStatusCode.OK, (await _api.Client.GetAsync($"/debian/12/x86_64/{Uname}.btf")).StatusCode);

        // With a mind of its own: the older kernel too.
        Assert.Equal(HttpStatusCode.Accepted, (await CrawlAsync("debian?newest=5&uname=6.1.0-98*")).StatusCode);
        Assert.Equal(2, (await EndOfAsync("debian", runs: 2))["published"]!.GetValue<int>());
        var history = (await _api.GetAsync("/v1/sources/debian"))["history"]!.AsArray();
        Assert.Equal(2, history.Count);
        Assert.Equal((1, 1, "complete"), (history[0]!["result"]!["found"]!.GetValue<int>(), history[0]!["result"]!["published"]!.GetValue<int>(), history[0]!["state"]!.GetValue<string>()));
        Assert.Matches("btf_archive_source_last_success_age_seconds\\{source=\"debian\"\\} [0-9]+\n", await _api.Client.GetStringAsync("/metrics"));
    }

    [Fact]
    public async Task ASourceThatCannotBeReadIsFailingAndSaysWhy()
    {
        File.AppendAllText(_repository.InReleasePath, "changed");
        File.WriteAllText(_repository.InReleasePath, File.ReadAllText(_repository.InReleasePath).Replace("Components: main", "Components: evil", StringComparison.Ordinal));
        await CrawlAsync("debian");
        var status = await EndOfAsync("debian", runs: 1);
        Assert.Equal("failing", status["state"]!.GetValue<string>());
        Assert.Contains("bad signature", status["failures"]![0]!.GetValue<string>());
        Assert.Null(status["last_success"]);
    }

    [Theory]
    [InlineData("nowhere", HttpStatusCode.NotFound, "nowhere")]
    [InlineData("debian?release=etch", HttpStatusCode.BadRequest, "etch")]
    [InlineData("debian?arch=vax", HttpStatusCode.BadRequest, "vax")]
    [InlineData("debian?flavour=vanilla", HttpStatusCode.BadRequest, "vanilla")]
    [InlineData("debian?newest=0", HttpStatusCode.BadRequest, "newest is 0")]
    public async Task WhatTheSourceDoesNotHaveIsNamed(string crawl, HttpStatusCode status, string named)
    {
        var answer = await CrawlAsync(crawl);
        Assert.Equal(status, answer.StatusCode);
        Assert.Contains(named, await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task EverySourceIsListedAndARunUnderWayIsToldFrom()
    {
        var run = await _api.Store.Catalogue.StartRunAsync("rocky", default);
        await _api.Store.Catalogue.NoteProgressAsync(run, new CrawlRunResult(7, 3, 1, 0, 10, null), "rocky/9/x86_64/5.14.0-1.el9.x86_64", default);
        var sources = (await _api.GetAsync("/v1/sources"))["sources"]!.AsArray();
        Assert.Equal(Archive.Crawler.Sources.SourceFiles.BuiltInIds, sources.Select(s => s!["id"]!.GetValue<string>()));
        var rocky = sources.Single(s => s!["id"]!.GetValue<string>() == "rocky")!;
        Assert.Equal(("running", "rocky/9/x86_64/5.14.0-1.el9.x86_64", 7), (
            rocky["state"]!.GetValue<string>(), rocky["last_run"]!["doing"]!.GetValue<string>(), rocky["last_run"]!["result"]!["found"]!.GetValue<int>()));
        Assert.Equal("off", sources.Single(s => s!["id"]!.GetValue<string>() == "fedora")!["state"]!.GetValue<string>());
        Assert.Equal(HttpStatusCode.NotFound, (await _api.Client.GetAsync("/v1/sources/nowhere")).StatusCode);
    }

    private async Task<HttpResponseMessage> CrawlAsync(string crawl)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"/v1/admin/crawls/{crawl}");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", (await File.ReadAllTextAsync(Path.Combine(_api.Data, "keys", "admin.key"))).Trim());
        return await _api.Client.SendAsync(request);
    }

    private async Task<JsonNode> StatusAsync(string source) => (await _api.GetAsync($"/v1/sources/{source}"))["source"]!;

    private async Task<JsonNode> EndOfAsync(string source, int runs)
    {
        for (var attempt = 0; attempt < 300; attempt++)
        {
            var status = await StatusAsync(source);
            if (status["runs"]!.GetValue<int>() == runs && status["last_run"]?["finished"] is not null)
                return status;
            await Task.Delay(200);
        }
        throw new TimeoutException($"run {runs} of {source} did not end");
    }
}
