using Archive.Store.Kernels;
using Microsoft.AspNetCore.Http;
using TestKit;

namespace Archive.Crawler.Tests;

/// <summary>Two kernels in one repository; the mirror misbehaves with one of them, and the other is published all the same.</summary>
public sealed class MisbehaviourTests(MisbehaviourTests.Repository repository) : IClassFixture<MisbehaviourTests.Repository>, IAsyncLifetime, IDisposable
{
    private readonly CrawlWorkspace _archive = new();
    private MirrorServer _mirror = null!;

    public async Task InitializeAsync()
    {
        _mirror = await MirrorServer.StartAsync(repository.Rpms.Root);
        _archive.AddRpmSource($"\"{_mirror.Url}\"", repository.Rpms.Keyring);
    }

    public async Task DisposeAsync() => await _mirror.DisposeAsync();

    public void Dispose() => _archive.Dispose();

    [Theory]
    [InlineData("404", Outcome.DownloadFailed, "status 404")]
    [InlineData("503", Outcome.DownloadFailed, "503")]
    [InlineData("503, again in an hour", Outcome.DownloadFailed, "to be asked again in 3600 s")]
    [InlineData("503 once, again in a second", Outcome.Published, null)]
    [InlineData("slow bytes", Outcome.DownloadFailed, "sends less than")]
    [InlineData("reset", Outcome.DownloadFailed, "broke off")]
    [InlineData("reset once", Outcome.Published, null)]
    [InlineData("wrong length", Outcome.DownloadFailed, "the signed index says")]
    [InlineData("wrong type", Outcome.Published, null)]
    [InlineData("wrong bytes", Outcome.DownloadFailed, "has SHA256")]
    [InlineData("endless", Outcome.DownloadFailed, "has SHA256")]
    [InlineData("redirect loop", Outcome.DownloadFailed, "redirects more than")]
    [InlineData("redirect to a file", Outcome.DownloadFailed, "redirects to file:")]
    [InlineData("redirect to another host", Outcome.Published, null)]
    [InlineData("empty", Outcome.DownloadFailed, "the signed index says")]
    public async Task EachHasItsOutcomeAndTheOtherKernelIsPublished(string fault, Outcome outcome, string? reason)
    {
        await using var elsewhere = await MirrorServer.StartAsync(repository.Rpms.Root);
        var requests = 0;
        _mirror.Fault = async context => context.Request.Path.Value!.Contains(Repository.Bad, StringComparison.Ordinal)
            && await MisbehaveAsync(context, fault, Interlocked.Increment(ref requests), elsewhere.Url);
        var (result, _) = await _archive.CrawlAsync();
        var records = (await _archive.RecordsAsync()).ToDictionary(r => r.Build.Key.Uname, r => r);
        Assert.Equal(Outcome.Published, records[Repository.GoodUname].Outcome);
        Assert.Equal(outcome, records[Repository.BadUname].Outcome);
        Assert.Equal(outcome == Outcome.Published ? 2 : 1, result.Published);
        if (reason is not null)
        {
            Assert.Contains(reason, records[Repository.BadUname].Reason);
            Assert.True(records[Repository.BadUname].RetryAt > DateTimeOffset.UtcNow + (fault.EndsWith("hour", StringComparison.Ordinal) ? TimeSpan.FromMinutes(59) : TimeSpan.Zero));
        }
    }

    [Theory]
    [InlineData("404")]
    [InlineData("redirect loop")]
    [InlineData("endless")]
    [InlineData("slow bytes")]
    public async Task AnIndexThatCannotBeHadIsNamed(string fault)
    {
        _mirror.Fault = context => MisbehaveAsync(context, fault, 1, _mirror.Url);
        var refusal = await Assert.ThrowsAsync<Archive.Crawler.Sources.CrawlException>(() => _archive.CrawlAsync());
        Assert.Contains("repomd.xml", refusal.Message);
    }

    [Fact]
    public async Task AHostThatFailsAgainAndAgainIsLeftAlone()
    {
        _archive.AddRpmSource($"\"{_mirror.Url}\"", repository.Rpms.Keyring, more: "\"politeness\": { \"failures_before_pause\": 2 },");
        _mirror.Fault = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith(".rpm", StringComparison.Ordinal))
                return false;
            await MirrorServer.AnswerAsync(context, 500);
            return true;
        };
        Assert.Equal(2, (await _archive.CrawlAsync()).Result.Failed);
        Assert.Equal(2, _mirror.Requests.Count(r => r.Path.EndsWith(".rpm", StringComparison.Ordinal)));
        Assert.All(await _archive.RecordsAsync(), r => Assert.Contains("is left alone until", r.Reason));
    }

    [Fact]
    public async Task BytesOfTheDayAreNotExceededByMuch()
    {
        _archive.AddRpmSource($"\"{_mirror.Url}\"", repository.Rpms.Keyring, more: "\"politeness\": { \"bytes_per_day\": 20000 },");
        var (result, _) = await _archive.CrawlAsync();
        Assert.Equal((1, 1), (result.Published, result.Failed));
        var failed = Assert.Single(await _archive.RecordsAsync(), r => r.Outcome == Outcome.DownloadFailed);
        Assert.Contains("20000 are allowed", failed.Reason);
        Assert.True(failed.RetryAt >= new DateTimeOffset(DateTime.UtcNow.Date.AddDays(1), TimeSpan.Zero));
    }

    private async Task<bool> MisbehaveAsync(HttpContext context, string fault, int request, Uri elsewhere)
    {
        var file = Path.Combine(repository.Rpms.Root, context.Request.Path.Value!.TrimStart('/'));
        switch (fault)
        {
            case "404" or "503":
                await MirrorServer.AnswerAsync(context, int.Parse(fault, System.Globalization.CultureInfo.InvariantCulture));
                return true;
            case "503, again in an hour":
                await MirrorServer.AnswerAsync(context, 503, 3600);
                return true;
            case "503 once, again in a second" when request == 1:
                await MirrorServer.AnswerAsync(context, 503, 1);
                return true;
            case "slow bytes":
                await MirrorServer.DripAsync(context, 100);
                return true;
            case "reset" or "reset once" when fault == "reset" || request == 1:
                await MirrorServer.BreakAfterAsync(context, file, 3000);
                return true;
            case "wrong length":
                context.Response.ContentLength = new FileInfo(file).Length + 1;
                await context.Response.Body.WriteAsync(new byte[new FileInfo(file).Length + 1]);
                return true;
            case "wrong type":
                context.Response.ContentType = "text/html";
                await context.Response.SendFileAsync(file);
                return true;
            case "wrong bytes":
                await context.Response.Body.WriteAsync(new byte[new FileInfo(file).Length]);
                return true;
            case "empty":
                context.Response.ContentLength = 0;
                return true;
            case "endless":
                await MirrorServer.FloodAsync(context);
                return true;
            case "redirect loop":
                context.Response.Redirect(context.Request.Path);
                return true;
            case "redirect to a file":
                context.Response.Redirect("file:///etc/passwd");
                return true;
            case "redirect to another host":
                context.Response.Redirect(new Uri(elsewhere, context.Request.Path.Value!.TrimStart('/')).AbsoluteUri);
                return true;
            default:
                return false;
        }
    }

    public sealed class Repository : IDisposable
    {
        public const string Bad = "5.14.0-2.el9", BadUname = Bad + ".x86_64", GoodUname = "5.14.0-1.el9.x86_64";

        public Repository()
        {
            Rpms.AddKernel("5.14.0", "1.el9");
            Rpms.AddKernel("5.14.0", "2.el9");
            Rpms.Publish();
        }

        public RpmRepository Rpms { get; } = new();

        public void Dispose() => Rpms.Dispose();
    }
}
