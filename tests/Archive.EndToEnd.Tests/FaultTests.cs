using System.Diagnostics;
using System.Security.Cryptography;
using TestKit;

namespace Archive.EndToEnd.Tests;

/// <summary>
/// The crawl command as a process that is killed, starved of disk, or not alone. Whatever happens, what can be seen is whole,
/// and the next start ends with the same bytes as a run that nothing disturbed.
/// </summary>
public sealed class FaultTests : IAsyncLifetime, IDisposable
{
    private static readonly string[] Unames = ["6.1.0-97-cloud-amd64", "6.1.0-98-cloud-amd64", "6.1.0-99-cloud-amd64"];

    private readonly AptRepository _repository = new();
    private readonly TempFolder _folder = new();
    private MirrorServer _mirror = null!;

    public async Task InitializeAsync()
    {
        foreach (var uname in Unames)
            _repository.AddKernel(uname, $"6.1.{uname[6..8]}-1", withBtf: uname != Unames[1]);
        _repository.Publish();
        _mirror = await MirrorServer.StartAsync(_repository.Root);
    }

    public async Task DisposeAsync() => await _mirror.DisposeAsync();

    public void Dispose()
    {
        _repository.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task KilledDuringDownloadTheNextStartEndsLikeACalmRun()
    {
        var calm = CalmTree();
        using var reached = new SemaphoreSlim(0);
        _mirror.Fault = async context =>
        {
            if (!context.Request.Path.Value!.Contains(Unames[1], StringComparison.Ordinal))
                return false;
            var bytes = await File.ReadAllBytesAsync(Path.Combine(_repository.Root, context.Request.Path.Value.TrimStart('/')));
            context.Response.ContentLength = bytes.Length;
            await context.Response.Body.WriteAsync(bytes.AsMemory(0, bytes.Length / 2));
            await context.Response.Body.FlushAsync();
            reached.Release();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };
        using (var crawl = Start("data"))
        {
            Assert.True(await reached.WaitAsync(TimeSpan.FromSeconds(60)), "the download was never reached");
            Kill(crawl);
        }
        _mirror.Fault = null;
        AssertVisibleIsWhole("data");
        Assert.Equal(0, Finish("data").Status);
        Assert.Equal(calm, Tree("data"));
    }

    [Fact]
    public async Task ArchiveThatWasKilledTakesItsCrawlUpAgain()
    {
        using var reached = new SemaphoreSlim(0);
        _mirror.Fault = async context =>
        {
            if (!context.Request.Path.Value!.EndsWith(".deb", StringComparison.Ordinal))
                return false;
            reached.Release();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        };
        string[] settings =
        [
            "--Crawler:Sources:debian:Releases:0=bookworm", "--Crawler:Sources:debian:Arches:0=amd64",
            $"--Crawler:Sources:debian:Mirrors:0={_mirror.Url}", $"--Crawler:Sources:debian:Keyring={_repository.Keyring}",
        ];
        using (ArchiveProcess.Start(_folder.File("data"), settings))
            Assert.True(await reached.WaitAsync(TimeSpan.FromSeconds(60)), "the download was never reached");

        // Killed by now. The crawl is in the schedule's database, so the next start needs no other reason to run it.
        _mirror.Fault = null;
        using var archive = ArchiveProcess.Start(_folder.File("data"), [.. settings, "--Crawler:Sources:debian:RunAtStart=false"]);
        Assert.Equal(Unames[2], archive.WaitForKernel(TimeSpan.FromSeconds(60))["uname"]!.GetValue<string>());
    }

    [Fact]
    public void KilledAgainAndAgainTheNextStartEndsLikeACalmRun()
    {
        var calm = CalmTree();
        var random = new Random(20261121);
        var clock = Stopwatch.StartNew();
        Finish("timing");
        var whole = (int)clock.ElapsedMilliseconds;
        for (var i = 0; i < 8; i++)
        {
            using var crawl = Start("data");
            crawl.WaitForExit(whole / 4 + random.Next(whole));
            Kill(crawl);
            AssertVisibleIsWhole("data");
        }
        Assert.Equal(0, Finish("data").Status);
        Assert.Equal(calm, Tree("data"));
    }

    [Theory]
    [InlineData("work", "vmlinux")]
    [InlineData("tree/.staging", "")]
    [InlineData("tree/by-digest", "tar.xz")]
    [InlineData("tree/by-digest", "json")]
    [InlineData("tree/debian", "tar.xz")]
    public void KilledTheMomentAFileAppearsTheNextStartEndsLikeACalmRun(string folder, string ending)
    {
        var calm = CalmTree();
        var watched = Path.Combine(_folder.File("data"), folder);
        using (var crawl = Start("data"))
        {
            while (!crawl.HasExited && !HasFile(watched, ending))
                Thread.Sleep(1);
            Kill(crawl);
        }
        AssertVisibleIsWhole("data");
        Assert.Equal(0, Finish("data").Status);
        Assert.Equal(calm, Tree("data"));
    }

    [Fact]
    public void FullDiskFailsTheRunAndNoKernelAndSucceedsWithMoreRoom()
    {
        var calm = CalmTree();
        var data = Directory.CreateDirectory(_folder.File("small")).FullName;
        var namespaces = Environment.IsPrivilegedProcess ? "--mount" : "--mount --map-root-user";
        var crawl = $"dotnet '{Programs.Crawler}' {string.Join(' ', Arguments(data).Select(a => $"'{a}'"))}";
        var output = Tool.Shell($"""
            unshare {namespaces} bash -c "mount -t tmpfs -o size=640k tmpfs '{data}'; {crawl} 2>&1; echo STATUS \$?; mount -o remount,size=200m '{data}'; {crawl} 2>&1; echo STATUS \$?; cd '{data}/tree/debian' && find . -name '*.btf.tar.xz' | sort | xargs sha256sum"
            """);
        var parts = output.Split("STATUS ");
        Assert.StartsWith("3", parts[1]);
        Assert.True(parts[0].Contains("disk was full", StringComparison.Ordinal) || parts[0].Contains("No space left", StringComparison.Ordinal) || parts[0].Contains("disk is full", StringComparison.Ordinal), parts[0]);
        Assert.StartsWith("0", parts[2]);
        foreach (var line in calm.Where(l => l.EndsWith(".btf.tar.xz", StringComparison.Ordinal)))
            Assert.Contains(line.Split(' ')[0], parts[2]);
    }

    [Fact]
    public async Task TwoCommandsAtOnceShareTheWork()
    {
        var calm = CalmTree();
        var before = Packages();
        var results = await Task.WhenAll(Task.Run(() => Finish("data")), Task.Run(() => Finish("data")));
        Assert.All(results, r => Assert.True(r.Status == 0, r.Output + r.Errors));
        Assert.Equal(Unames.Length, Packages() - before);
        Assert.Equal(calm, Tree("data"));

        int Packages() => _mirror.Requests.Count(r => r.Path.EndsWith(".deb", StringComparison.Ordinal));
    }

    private string[] CalmTree()
    {
        Assert.Equal(0, Finish("calm").Status);
        var tree = Tree("calm");
        Assert.Equal(Unames.Length, tree.Count(l => l.Contains("debian/", StringComparison.Ordinal) && l.EndsWith(".btf.tar.xz", StringComparison.Ordinal)));
        return tree;
    }

    private string[] Arguments(string data) =>
        ["crawl", "debian", "--release", "bookworm", "--arch", "amd64", "--newest", "9", "--retry-failed", "--mirror", _mirror.Url.ToString(), "--keyring", _repository.Keyring, "--data", data];

    private Process Start(string data)
    {
        var process = Tool.Start("dotnet", [Programs.Crawler, .. Arguments(_folder.File(data))]);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private Tool.Result Finish(string data) => Tool.Try("dotnet", [Programs.Crawler, .. Arguments(_folder.File(data))]);

    private static void Kill(Process process)
    {
        process.Kill(); // SIGKILL
        process.WaitForExit();
    }

    private static bool HasFile(string folder, string ending) => Directory.Exists(folder)
        && Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Any(f => f.EndsWith(ending, StringComparison.Ordinal) && !f.Contains(".locks", StringComparison.Ordinal));

    /// <summary>Digest and path of everything that a reader of the tree can see.</summary>
    private string[] Tree(string data)
    {
        var root = Path.Combine(_folder.File(data), "tree");
        return [.. Visible(root).Select(f => $"{Digest(f)} {Path.GetRelativePath(root, f)}").Order(StringComparer.Ordinal)];
    }

    private static IEnumerable<string> Visible(string root) => !Directory.Exists(root) ? [] :
        Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories).Where(f => !f.Contains("/.staging/", StringComparison.Ordinal));

    private void AssertVisibleIsWhole(string data)
    {
        var root = Path.Combine(_folder.File(data), "tree");
        var digests = Visible(root).Where(f => f.Contains("/by-digest/", StringComparison.Ordinal) && f.EndsWith(".tar.xz", StringComparison.Ordinal)).ToList();
        foreach (var file in digests)
            Assert.Equal(Path.GetFileName(file).Split('.')[0], Digest(file));
        foreach (var file in Visible(Path.Combine(root, "debian")).Where(f => f.EndsWith(".tar.xz", StringComparison.Ordinal)))
            Assert.Contains(digests, d => Digest(d) == Digest(file));
    }

    private static string Digest(string file) => Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file)));
}
