using System.Globalization;
using Microsoft.AspNetCore.Http;
using TestKit;

namespace Archive.EndToEnd.Tests.Hosts;

/// <summary>The boot client against the real service, in both shells that boot scripts run in, with each downloader that hosts have.</summary>
[Trait("Category", "Real")]
public sealed class BootClientTests(HostArchive archive) : IClassFixture<HostArchive>
{
    private const int Unknown = 3, IsAmbiguous = 4, Unreachable = 5, Refused = 6, Unwritten = 7;
    private const string Nobody = "http://127.0.0.1:9";

    public static TheoryData<string, string> Hosts => new()
    {
        { "dash", "curl" }, { "dash", "wget" }, { "dash", "busybox" }, { "ash", "curl" }, { "ash", "wget" }, { "ash", "busybox" },
    };

    [Theory]
    [MemberData(nameof(Hosts))]
    public void FetchesVerifiesAndTellsInOneLine(string shell, string downloader)
    {
        using var host = new BtfFetch(shell, downloader, "xz", "tar", "openssl");
        host.Set("BTF_URLS", $"{Nobody} {archive.Url}");
        host.Set("BTF_ATTEMPTS", "1");
        AssertFetched(host, host.Run(HostArchive.Uname), HostArchive.Bookworm);

        var again = host.Run(HostArchive.Uname);
        Assert.Equal((0, $"btf-fetch: {HostArchive.Uname}: {host.FileOf(HostArchive.Uname)} is there already\n"), (again.Status, again.Errors));
    }

    /// <summary>With neither xz nor openssl, and with no more than the shell's own company.</summary>
    [Theory]
    [MemberData(nameof(Hosts))]
    public void FetchesWithNothingButADownloader(string shell, string downloader)
    {
        using var host = new BtfFetch(shell, downloader);
        host.Set("BTF_URLS", archive.Url);
        var result = host.Run(HostArchive.Uname);
        AssertFetched(host, result, HostArchive.Bookworm);
        Assert.Contains("signature not checked, openssl 3 is not here", result.Errors);
    }

    [Theory]
    [MemberData(nameof(Hosts))]
    public void KernelThatNobodyKnowsEndsAtOnce(string shell, string downloader)
    {
        using var host = new BtfFetch(shell, downloader, "openssl");
        host.Set("BTF_URLS", archive.Url);
        var result = host.Run("6.99.0-1-generic");
        Assert.Equal(Unknown, result.Status);
        Assert.Equal(
            $"btf-fetch: 6.99.0-1-generic: {archive.Url}: unknown: No crawled index has listed debian/12/x86_64/6.99.0-1-generic.\nbtf-fetch: 6.99.0-1-generic: no BTF to be had for this kernel\n",
            result.Errors);
    }

    [Theory]
    [MemberData(nameof(Hosts))]
    public void AmbiguousUnameIsNotGuessed(string shell, string downloader)
    {
        using var host = new BtfFetch(shell, downloader, "openssl");
        host.Set("BTF_URLS", archive.Url);
        host.Folder.Write("os-release", "NAME=Custom\n");
        var result = host.Run(HostArchive.Ambiguous);
        Assert.Equal(IsAmbiguous, result.Status);
        Assert.Contains($"ambiguous: debian/12/x86_64/{HostArchive.Ambiguous} ubuntu/22.04/x86_64/{HostArchive.Ambiguous} have it, with different BTF", result.Errors);

        host.Folder.Write("os-release", "ID='ubuntu'\nVERSION_ID='22.04'\n");
        AssertFetched(host, host.Run(HostArchive.Ambiguous), HostArchive.Bullseye, HostArchive.Ambiguous);
    }

    [Theory]
    [MemberData(nameof(Hosts))]
    public void WrongDigestIsRefusedAndTheNextArchiveAsked(string shell, string downloader)
    {
        using var proxy = new FaultyProxy(archive.Url) { Change = FaultyProxy.Damage };
        using var host = new BtfFetch(shell, downloader, "xz", "tar", "openssl");
        host.Set("BTF_URLS", proxy.Url);
        var refused = host.Run(HostArchive.Uname);
        Assert.True(refused.Status == Refused && !File.Exists(host.FileOf(HostArchive.Uname)), refused.Errors);
        Assert.Contains("wrong digest", refused.Errors);

        host.Set("BTF_URLS", $"{proxy.Url} {archive.Url}");
        AssertFetched(host, host.Run(HostArchive.Uname), HostArchive.Bookworm);
    }

    [Theory]
    [InlineData("dash", "curl")]
    [InlineData("ash", "busybox")]
    public void ServiceThatIsDownAtFirstIsAskedAgain(string shell, string downloader)
    {
        var port = Ports.Free();
        using var host = new BtfFetch(shell, downloader, "xz", "tar", "openssl");
        host.Set("BTF_URLS", string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{port}"));
        host.Set("BTF_BACKOFF_CAP", "2");
        host.Set("BTF_ATTEMPTS", "60");
        using var process = host.Start(HostArchive.Uname);
        var lines = new List<string> { process.StandardError.ReadLine()!, process.StandardError.ReadLine()! };
        using var late = ArchiveProcess.StartAt(port, archive.Data, "--Roles:Crawler=false");
        lines.Add(process.StandardError.ReadToEnd());
        process.WaitForExit();
        Assert.Matches(@"trying again in [012] s \(attempt 1 of 60 failed\)", lines[1]);
        AssertFetched(host, new(process.ExitCode, "", string.Join('\n', lines)), HostArchive.Bookworm);
    }

    [Theory]
    [MemberData(nameof(Hosts))]
    public void FullDiskIsSaidAndLeavesNothing(string shell, string downloader)
    {
        using var host = new BtfFetch(shell, downloader, "xz", "tar", "openssl");
        host.Set("BTF_URLS", archive.Url);
        foreach (var size in (string[])["500k", "3m"]) // Less than the tarball, and less than what is in it.
        {
            var result = host.RunOnSmallDisk(size, HostArchive.Uname);
            Assert.True(result.Status == Unwritten, $"{size}: {result.Status} {result.Errors}");
            Assert.EndsWith("the disk does not take it\n", result.Errors);
        }
    }

    [Theory]
    [MemberData(nameof(Hosts))]
    public void KilledHalfwayLeavesNothingBehindTheNextRun(string shell, string downloader)
    {
        using var reached = new SemaphoreSlim(0);
        using var proxy = new FaultyProxy(archive.Url) { Send = (context, body) => HoldAsync(context, body, reached) };
        using var host = new BtfFetch(shell, downloader, "xz", "tar", "openssl");
        host.Set("BTF_URLS", proxy.Url);
        using (var process = host.Start(HostArchive.Uname))
        {
            Assert.True(reached.Wait(TimeSpan.FromSeconds(30)), "the download was never reached");
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
        }
        Assert.False(File.Exists(host.FileOf(HostArchive.Uname)));
        Assert.NotEmpty(host.Leftovers());

        host.Set("BTF_URLS", archive.Url);
        AssertFetched(host, host.Run(HostArchive.Uname), HostArchive.Bookworm);
    }

    [Fact]
    public void BrokenDownloadIsTriedAgain()
    {
        var broken = 0;
        using var proxy = new FaultyProxy(archive.Url) { Send = (context, body) => BreakAsync(context, body, broken++) };
        using var host = new BtfFetch("dash", "busybox", "xz", "tar", "openssl");
        host.Set("BTF_URLS", proxy.Url);
        var result = host.Run(HostArchive.Uname);
        AssertFetched(host, result, HostArchive.Bookworm);
        Assert.Contains("trying again", result.Errors);
    }

    [Fact]
    public void GivesUpAfterItsAttempts()
    {
        using var host = new BtfFetch("dash", "curl");
        host.Set("BTF_URLS", Nobody);
        host.Set("BTF_ATTEMPTS", "2");
        var result = host.Run(HostArchive.Uname);
        Assert.Equal(Unreachable, result.Status);
        Assert.EndsWith("no archive answered, giving up after 2 attempts\n", result.Errors);
    }

    private static async Task<bool> HoldAsync(HttpContext context, byte[] body, SemaphoreSlim reached)
    {
        if (!FaultyProxy.IsContent(context.Request.Path))
            return false;
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body.AsMemory(0, body.Length / 2));
        await context.Response.Body.FlushAsync();
        reached.Release();
        await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        return true;
    }

    private static async Task<bool> BreakAsync(HttpContext context, byte[] body, int already)
    {
        if (!FaultyProxy.IsContent(context.Request.Path) || already > 4)
            return false;
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body.AsMemory(0, body.Length / 2));
        await context.Response.Body.FlushAsync();
        await Task.Delay(300);
        context.Abort();
        return true;
    }

    private static void AssertFetched(BtfFetch host, Tool.Result result, byte[] btf, string uname = HostArchive.Uname)
    {
        Assert.True(result.Status == 0, result.Errors);
        Assert.Contains($", {btf.Length} bytes, ", result.Errors);
        Assert.Equal(btf, File.ReadAllBytes(host.FileOf(uname)));
        Assert.Empty(host.Leftovers());
    }
}
