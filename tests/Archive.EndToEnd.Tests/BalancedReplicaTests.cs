using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Archive.Api.Admin;
using Archive.Store.Blobs.Azure;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Archive.Store.Mirrors;
using TestKit;

namespace Archive.EndToEnd.Tests;

/// <summary>
/// Two replicas of the API behind a real nginx with the configuration that is shipped, over PostgreSQL and a blob container (Azurite), and a worker. They have nothing in
/// common but the folder of keys.
/// </summary>
[Trait("Category", "Real")]
public sealed class BalancedReplicaTests : IAsyncLifetime, IDisposable
{
    private const int Kernels = 6;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly AptRepository _repository = new();
    private readonly TempFolder _folder = new();
    private readonly BpfCompiler _compiler = new();
    private readonly string _database = PostgresServer.Shared.NewDatabase();
    private readonly string _container = $"replicas-{Guid.NewGuid():n}";
    private readonly int[] _ports = [Ports.Free(), Ports.Free()];
    private readonly ArchiveProcess[] _replicas = new ArchiveProcess[2];
    private MirrorServer _mirror = null!;
    private ArchiveProcess _worker = null!;
    private NginxServer _nginx = null!;
    private HttpClient _client = null!;

    public async Task InitializeAsync()
    {
        _repository.AddAlikeKernels(Kernels);
        _repository.Publish();
        _mirror = await MirrorServer.StartAsync(_repository.Root);
        Directory.CreateDirectory(_folder.File("keys"));
        _worker = ArchiveProcess.Start(_folder.File("worker"), [.. Shared, "--Roles:Api=false", "--Crawler:CheckIn=00:00:01", "--Crawler:MinFreeBytes=0", "--Crawler:Concurrency=1", .. Source]);
        for (var i = 0; i < _replicas.Length; i++)
            Start(i);
        foreach (var process in _replicas.Append(_worker))
            process.WaitUntilReady(Limit);
        _nginx = new NginxServer(_ports[0], _ports[1]);
        _client = new HttpClient { BaseAddress = _nginx.Url };
        _client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", (await File.ReadAllTextAsync(_folder.File("keys/admin.key"))).Trim());
    }

    public async Task DisposeAsync() => await _mirror.DisposeAsync();

    public void Dispose()
    {
        _client?.Dispose();
        _nginx?.Dispose();
        foreach (var process in _replicas.Append(_worker))
            process?.Dispose();
        _compiler.Dispose();
        _repository.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task RestartsAreNotNoticedAndAKillOnlyByWhatWasInFlight()
    {
        await CrawlAsync();
        using var load = await LoadAsync();
        await load.RunForAsync(TimeSpan.FromSeconds(1));
        for (var i = 0; i < _replicas.Length; i++)
        {
            Assert.Equal(0, _replicas[i].Stop());
            await load.RunForAsync(TimeSpan.FromSeconds(0.5));
            Restart(i);
        }
        await load.RunForAsync(TimeSpan.FromSeconds(1));
        Assert.Empty(load.Failures);

        var kill = Stopwatch.GetTimestamp();
        _replicas[0].Dispose();
        var killed = Stopwatch.GetTimestamp();
        await load.RunForAsync(TimeSpan.FromSeconds(2));
        Restart(0);
        await load.StopAsync();
        Assert.All(load.Failures, failure => Assert.True(failure.Begun <= killed && failure.Ended >= kill, $"{failure}, which was not in flight\n{_nginx.Errors}"));
        Assert.All(load.Answers, kind => Assert.True(kind.Value > 5, $"only {kind.Value} answers to {kind.Key}"));
    }

    /// <summary>An administrator asks for a crawl, and whoever answers is killed meanwhile. He asks again until he has an answer; the work is done, and once.</summary>
    [Fact]
    public async Task ACrawlThatIsAskedOfAReplicaThatDiesIsRunAndNothingIsDoubled()
    {
        var random = new Random(3);
        for (var kill = 0; kill < 4; kill++)
        {
            var asking = AskForCrawlAsync();
            await Task.Delay(random.Next(30));
            _replicas[kill % 2].Dispose();
            for (var waited = Stopwatch.StartNew(); ; asking = AskForCrawlAsync())
            {
                try
                {
                    await asking;
                    break;
                }
                catch (HttpRequestException) when (waited.Elapsed < Limit)
                {
                    await Task.Delay(100);
                }
            }
            Restart(kill % 2);
        }
        await WaitForKernelsAsync();
        using var catalogue = new PostgresCatalogue(_database, TimeProvider.System);
        for (var waited = Stopwatch.StartNew(); (await catalogue.RunsAsync("debian", 10, default)).Any(r => r.Finished is null); await Task.Delay(200))
            Assert.True(waited.Elapsed < Limit, "a crawl does not end");
        var lines = (await catalogue.ChainAsync(0, 1000, default)).Select(e => e.Line).ToList();
        Assert.Equal(Kernels, lines.Count);
        Assert.Equal(Kernels, lines.Distinct(StringComparer.Ordinal).Count());
        Assert.All(await catalogue.ListAsync(new KernelFilter(), default), r => Assert.Equal((Outcome.Published, 1), (r.Outcome, r.Attempts)));
        await AssertBlobsTellAllAsync(catalogue);
        await AssertDownloadsAreRedirectedAsync();
    }

    /// <summary>A replica that sends downloads to the container: by a signature that passes away, and to where a CDN would be.</summary>
    private async Task AssertDownloadsAreRedirectedAsync()
    {
        const string Path = "/debian/12/x86_64/6.1.0-0001-amd64.btf.tar.xz";
        using var bySignature = ArchiveProcess.Start(_folder.File("by-signature"), [.. Shared, "--Roles:Crawler=false", "--Roles:Extractor=false", "--Azure:Redirect=sas"]);
        using var toCdn = ArchiveProcess.Start(_folder.File("to-cdn"), [.. Shared, "--Roles:Crawler=false", "--Roles:Extractor=false", "--Azure:Redirect=https://cdn.example/btf"]);
        bySignature.WaitUntilReady(Limit);
        toCdn.WaitUntilReady(Limit);
        using var client = new HttpClient();
        using var answer = await client.GetAsync(new Uri(bySignature.Address, Path));
        Assert.Equal(AzuriteServer.Shared.Url.Port, answer.RequestMessage!.RequestUri!.Port);
        Assert.Equal(await _client.GetByteArrayAsync(new Uri(Path, UriKind.Relative)), await answer.EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync());
        using var still = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false });
        using var away = await still.GetAsync(new Uri(toCdn.Address, Path));
        Assert.Equal("https://cdn.example/btf/by-digest/", away.Headers.Location!.AbsoluteUri[..34]);
    }

    /// <summary>A catalogue that is lost is written anew from the blobs alone, on either database.</summary>
    private async Task AssertBlobsTellAllAsync(PostgresCatalogue original)
    {
        var blobs = new AzureBlobStore(new AzureOptions { Connection = AzuriteServer.Shared.ConnectionString(), Container = _container }, TimeProvider.System);
        using var postgres = new PostgresCatalogue(PostgresServer.Shared.NewDatabase(), TimeProvider.System);
        using var sqlite = new SqliteCatalogue(_folder.File("anew.db"), TimeProvider.System);
        foreach (var catalogue in (SqlCatalogue[])[postgres, sqlite])
        {
            await catalogue.InitialiseAsync(default);
            Assert.Equal(Kernels, (await new StoreAudit(catalogue, blobs).ReindexAsync(_ => { }, default)).Checked);
            Assert.Equal(await TellAsync(original), await TellAsync(catalogue));
            Assert.Equal((await original.CoverageAsync(default)).Select(c => c with { Updated = 0 }), (await catalogue.CoverageAsync(default)).Select(c => c with { Updated = 0 }));
        }
    }

    /// <summary>Builds and publications in order of the tree; the times of blobs count in seconds.</summary>
    private static async Task<IReadOnlyList<(KernelBuild, Publication)>> TellAsync(SqlCatalogue catalogue)
    {
        var told = new List<(KernelBuild, Publication)>();
        await foreach (var record in catalogue.PublishedAsync(new KernelFilter(), default))
            told.Add((record.Build, record.Publication! with { PublishedAt = default }));
        return told;
    }

    private string[] Shared =>
    [
        "--Catalogue=postgres", $"--ConnectionStrings:Catalogue={_database}", "--Blobs=azure", $"--ConnectionStrings:Blobs={AzuriteServer.Shared.ConnectionString()}", $"--Azure:Container={_container}",
    ];

    private string[] Source =>
    [
        "--Crawler:Sources:debian:RunAtStart=false", "--Crawler:Sources:debian:Releases:0=bookworm", "--Crawler:Sources:debian:Arches:0=amd64", "--Crawler:Sources:debian:Flavours:0=all",
        "--Crawler:Sources:debian:Newest=100000", $"--Crawler:Sources:debian:Mirrors:0={_mirror.Url}", $"--Crawler:Sources:debian:SecurityMirrors:0={_mirror.Url}", $"--Crawler:Sources:debian:Keyring={_repository.Keyring}",
    ];

    private void Start(int replica)
    {
        var data = Directory.CreateDirectory(_folder.File($"api-{replica}")).FullName;
        if (!Directory.Exists(Path.Combine(data, "keys")))
            Directory.CreateSymbolicLink(Path.Combine(data, "keys"), _folder.File("keys"));
        _replicas[replica] = ArchiveProcess.StartAt(_ports[replica], data, [.. Shared, "--Roles:Crawler=false", "--Roles:Extractor=false", "--Objects:MaxPerMinute=100000", "--Limits:RequestsPerSecond=0"]);
    }

    private void Restart(int replica)
    {
        Start(replica);
        _replicas[replica].WaitUntilReady(Limit);
    }

    private async Task CrawlAsync()
    {
        await AskForCrawlAsync();
        await WaitForKernelsAsync();
    }

    private async Task AskForCrawlAsync()
    {
        using var answer = await _client.PostAsync(new Uri("/v1/admin/crawls/debian", UriKind.Relative), null);
        answer.EnsureSuccessStatusCode();
    }

    private async Task WaitForKernelsAsync()
    {
        using var catalogue = new PostgresCatalogue(_database, TimeProvider.System);
        for (var waited = Stopwatch.StartNew(); (await catalogue.ChainHeadAsync(default)).Position < Kernels; await Task.Delay(200))
            Assert.True(waited.Elapsed < Limit, $"the kernels are not published\n{_worker.Log}");
    }

    /// <summary>Clients that look up, download, minimise and mirror, each in turn and without pause; every answer is compared with the first.</summary>
    private async Task<Load> LoadAsync()
    {
        var item = _compiler.Compile("""
            struct task_struct { int pid; } CORE;
            SEC("tc") long program(struct task_struct *task) { long value = 0; probe_read(&value, 4, &task->pid); return value; }
            """);
        var kernel = "debian/12/x86_64/6.1.0-0001-amd64";
        var load = new Load();
        await load.AddAsync("look-ups", () => GetAsync("/v1/lookup?uname=6.1.0-0001-amd64"));
        await load.AddAsync("tarballs", () => GetAsync($"/{kernel}.btf.tar.xz"));
        await load.AddAsync("raw BTF", () => GetAsync($"/{kernel}.btf"));
        await load.AddAsync("minimal BTF", () => MinimiseAsync(item));
        await load.AddAsync("mirrors", SyncAsync);
        return load;
    }

    private async Task<string> GetAsync(string path) => Digest(await _client.GetByteArrayAsync(new Uri(path, UriKind.Relative)));

    private async Task<string> MinimiseAsync(string item)
    {
        using var form = new MultipartFormDataContent { { new ByteArrayContent(await File.ReadAllBytesAsync(item)), "object", "program.bpf.o" } };
        using var answer = await _client.PostAsync(new Uri("/v1/minimize?distro=debian", UriKind.Relative), form);
        return Digest(await answer.EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync());
    }

    /// <summary>Into a new folder each time; what it holds, but for what tells of the moment.</summary>
    private async Task<string> SyncAsync()
    {
        using var folder = new TempFolder();
        var result = await new ArchiveMirror(new HttpMirrorSource(_client, _nginx.Url), folder.FullPath, new MirrorFilter(null, null, null)).SyncAsync(null, null, default);
        Assert.Equal(Kernels, result.Entries);
        return Digest(await File.ReadAllBytesAsync(folder.File("v1/SHA256SUMS")));
    }

    private static string Digest(byte[] bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private sealed record Failure(string Kind, long Begun, long Ended, string Reason);

    private sealed class Load : IDisposable
    {
        private readonly CancellationTokenSource _end = new();
        private readonly List<Task> _clients = [];

        public ConcurrentQueue<Failure> Failures { get; } = [];

        public ConcurrentDictionary<string, int> Answers { get; } = [];

        public async Task AddAsync(string kind, Func<Task<string>> ask)
        {
            var expected = await ask();
            _clients.Add(Task.Run(async () =>
            {
                while (!_end.IsCancellationRequested)
                    await AskAsync(kind, ask, expected);
            }));
        }

        public Task RunForAsync(TimeSpan time) => Task.Delay(time);

        public async Task StopAsync()
        {
            await _end.CancelAsync();
            await Task.WhenAll(_clients);
        }

        public void Dispose()
        {
            _end.Cancel();
            _end.Dispose();
        }

        private async Task AskAsync(string kind, Func<Task<string>> ask, string expected)
        {
            var begun = Stopwatch.GetTimestamp();
            try
            {
                var answer = await ask();
                if (answer != expected)
                    throw new InvalidDataException("another answer than before");
                Answers.AddOrUpdate(kind, 1, (_, n) => n + 1);
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                Failures.Enqueue(new Failure(kind, begun, Stopwatch.GetTimestamp(), e.Message));
            }
        }
    }
}
