using System.Net;
using Archive.Api.Kernels;
using Archive.Store.Kernels;

namespace Archive.Api.Tests;

/// <summary>Lookups, misses, lists and health.</summary>
public sealed class LookupTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private static readonly byte[] Btf = ApiFixture.MakeBtf("lookup_marker"), Other = ApiFixture.MakeBtf("other_marker");

    [Theory]
    [InlineData("6.12.1+deb12-cloud-amd64")]
    [InlineData("Linux host 6.12.1+deb12-cloud-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.12.1-1 (2026-01-01) x86_64 GNU/Linux")]
    [InlineData("Linux version 6.12.1+deb12-cloud-amd64 (debian-kernel@lists.debian.org) (x86_64-linux-gnu-gcc-12 (Debian 12.2.0-14) 12.2.0) #1 SMP")]
    public async Task UnameIsFoundHoweverItIsPasted(string text)
    {
        var publication = await api.PublishAsync(ApiFixture.Build("6.12.1+deb12-cloud-amd64"), Btf);
        var answer = await api.GetAsync("/v1/lookup?uname=" + Uri.EscapeDataString(text));
        Assert.Equal(publication.Raw.Sha256, answer["candidates"]![0]!["kernel"]!["btf"]!["sha256"]!.GetValue<string>());
        Assert.False(answer["ambiguous"]!.GetValue<bool>());
        Assert.NotEmpty(answer["candidates"]![0]!["reasons"]!.AsArray());
    }

    [Fact]
    public async Task PlusSignThatAScriptDidNotEscapeIsAPlusSign()
    {
        await api.PublishAsync(ApiFixture.Build("6.12.2+deb12-amd64"), Btf);
        Assert.Single((await api.GetAsync("/v1/lookup?uname=6.12.2+deb12-amd64"))["candidates"]!.AsArray());
        Assert.Single((await api.GetAsync("/v1/kernels?uname=6.12.2+deb12-*"))["kernels"]!.AsArray());
    }

    [Fact]
    public async Task SameUnameOfTwoDistrosIsAmbiguousUntilTheHostSaysWhichItIs()
    {
        const string Uname = "4.18.0-477.el8.x86_64";
        await api.PublishAsync(ApiFixture.Build(Uname, "1", "almalinux", "8"), Btf);
        var rocky = await api.PublishAsync(ApiFixture.Build(Uname, "1", "rocky", "8"), Other);
        Assert.Equal(2, (await api.GetAsync($"/v1/lookup?uname={Uname}"))["candidates"]!.AsArray().Count);
        var osRelease = Uri.EscapeDataString("ID=\"rocky\"\nVERSION_ID=\"8.8\"\n");
        var told = await api.GetAsync($"/v1/lookup?uname={Uname}&os_release={osRelease}");
        Assert.Equal(rocky.Raw.Sha256, Assert.Single(told["candidates"]!.AsArray())!["kernel"]!["btf"]!["sha256"]!.GetValue<string>());
        Assert.False(told["ambiguous"]!.GetValue<bool>());
    }

    [Fact]
    public async Task EquallyGoodCandidatesWithOtherContentAreSaidToBeAmbiguous()
    {
        await api.PublishAsync(ApiFixture.Build("9.9.9-custom", "1", "debian", "12"), Btf);
        await api.PublishAsync(ApiFixture.Build("9.9.9-custom", "1", "ubuntu", "22.04"), Other);
        Assert.True((await api.GetAsync("/v1/lookup?uname=9.9.9-custom"))["ambiguous"]!.GetValue<bool>());
    }

    [Fact]
    public async Task AnAnswerThatWasGivenBeforeHoldsUntilTheCatalogueChanges()
    {
        const string Question = "/v1/lookup?uname=6.1.0-77-amd64";
        await api.PublishAsync(ApiFixture.Build("6.1.0-77-amd64", "6.1.77-1"), Btf);
        var first = await api.Client.GetStringAsync(Question);
        Assert.Equal([first, first], [await api.Client.GetStringAsync(Question), await api.Client.GetStringAsync(Question)]);
        await api.PublishAsync(ApiFixture.Build("6.1.0-77-amd64", "6.1.77-2"), Other);
        Assert.Equal(["6.1.77-2", "6.1.77-1"], (await api.GetAsync(Question))["candidates"]!.AsArray().Select(c => c!["kernel"]!["package_version"]!.GetValue<string>()));
    }

    [Fact]
    public async Task AnAnswerIsKeptForTheVersionOfTheCatalogueThatItWasMadeOf()
    {
        var kept = new KeptAnswers<byte[]>(api.Store.Catalogue);
        byte[] answer = [1];
        kept.Keep("?q", (await kept.FindAsync("?q", default)).Version, [2]);
        Assert.Null((await kept.FindAsync("?q", default)).Answer); // Nobody has asked for it twice.
        kept.Keep("?q", (await kept.FindAsync("?q", default)).Version, answer);
        Assert.Same(answer, (await kept.FindAsync("?q", default)).Answer);
        await api.PublishAsync(ApiFixture.Build("6.1.0-78-amd64"), Btf);
        Assert.Null((await kept.FindAsync("?q", default)).Answer);
    }

    [Fact]
    public async Task BuildIdTellsBuildsOfOneUnameApart()
    {
        await api.PublishAsync(ApiFixture.Build("6.1.0-20-amd64", "6.1.20-1"), Btf, "aaaa");
        await api.PublishAsync(ApiFixture.Build("6.1.0-20-amd64", "6.1.20-2"), Other, "bbbb");
        var answer = await api.GetAsync("/v1/lookup?build_id=AAAA");
        Assert.Equal("6.1.20-1", Assert.Single(answer["candidates"]!.AsArray())!["kernel"]!["package_version"]!.GetValue<string>());
    }

    [Theory]
    [InlineData(Outcome.NoDebugInfo, "failed", "no-debug-info")]
    [InlineData(Outcome.DownloadFailed, "failed", "download-failed")]
    [InlineData(Outcome.SignatureFailed, "failed", "signature-failed")]
    [InlineData(Outcome.Malformed, "failed", "malformed")]
    [InlineData(Outcome.Unsupported, "failed", "unsupported")]
    [InlineData(Outcome.Withdrawn, "withdrawn", "withdrawn")]
    public async Task MissSaysWhatBecameOfTheKernel(Outcome outcome, string @class, string name)
    {
        var build = ApiFixture.Build($"6.1.0-3{(int)outcome}-amd64");
        await api.Store.Catalogue.SeenAsync(build, default);
        await api.Store.Catalogue.RecordOutcomeAsync(build, outcome, "because of the test", DateTimeOffset.UtcNow.AddHours(1), default);
        foreach (var path in (string[])[$"/debian/12/x86_64/{build.Key.Uname}.btf", $"/v1/lookup?uname={build.Key.Uname}"])
        {
            Assert.Equal(HttpStatusCode.NotFound, (await api.Client.GetAsync(path)).StatusCode);
            var problem = await api.GetAsync(path);
            Assert.Equal((@class, name), (problem["class"]!.GetValue<string>(), problem["outcome"]!.GetValue<string>()));
            Assert.Contains("because of the test", problem["detail"]!.GetValue<string>());
        }
    }

    [Fact]
    public async Task MissOfAnUnknownKernelNamesItsNearest()
    {
        await api.PublishAsync(ApiFixture.Build("5.10.0-40-amd64", version: "11"), Btf);
        var problem = await api.GetAsync("/debian/11/x86_64/5.10.0-41-amd64.btf");
        Assert.Equal("unknown", problem["class"]!.GetValue<string>());
        Assert.Equal("debian/11/x86_64/5.10.0-40-amd64", problem["near"]![0]!.GetValue<string>());
    }

    [Fact]
    public async Task KernelThatWaitsIsPending()
    {
        await api.Store.Catalogue.SeenAsync(ApiFixture.Build("6.1.0-50-amd64"), default);
        Assert.Equal("pending", (await api.GetAsync("/debian/12/x86_64/6.1.0-50-amd64.btf"))["class"]!.GetValue<string>());
    }

    [Fact]
    public async Task ListIsPagedAndStreamed()
    {
        for (var i = 0; i < 7; i++)
            await api.PublishAsync(ApiFixture.Build($"7.0.{6 - i}+paged"), Btf);
        var unames = new List<string>();
        for (string? next = "/v1/kernels?uname=7.0.*+paged&limit=3"; next is not null;)
        {
            var page = await api.GetAsync(next);
            unames.AddRange(page["kernels"]!.AsArray().Select(k => k!["uname"]!.GetValue<string>()));
            next = page["next"]?.GetValue<string>();
        }
        Assert.Equal(Enumerable.Range(0, 7).Select(i => $"7.0.{i}+paged"), unames);

        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/kernels?uname=7.0.*");
        request.Headers.Accept.ParseAdd("application/x-ndjson");
        var lines = (await (await api.Client.SendAsync(request)).Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(7, lines.Length);
    }

    [Theory]
    [InlineData("/v1/kernels?outcome=splendid")]
    [InlineData("/v1/kernels?limit=0")]
    [InlineData("/v1/kernels?limit=many")]
    [InlineData("/v1/kernels?uname=6.*&behind=6.1")]
    [InlineData("/v1/kernels?behind=1:6.1")]
    [InlineData("/v1/lookup")]
    public async Task WrongParametersAreAProblem(string path)
    {
        var answer = await api.Client.GetAsync(path);
        Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public async Task HealthAndDescriptionAnswer()
    {
        Assert.Equal("ok", (await api.GetAsync("/health/live"))["status"]!.GetValue<string>());
        Assert.Equal("ok", (await api.GetAsync("/health/ready"))["status"]!.GetValue<string>());
        Assert.NotNull((await api.GetAsync("/openapi/v1.json"))["paths"]!["/v1/lookup"]);
        Assert.NotNull((await api.GetAsync("/v1/runs"))["runs"]);
    }
}
