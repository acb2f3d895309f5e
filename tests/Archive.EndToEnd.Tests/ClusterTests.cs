using System.Security.Cryptography;
using Archive.Store.Blobs.Azure;
using Archive.Store.Catalogue;
using TestKit;

namespace Archive.EndToEnd.Tests;

/// <summary>
/// Three workers with nothing in common but PostgreSQL and a blob container (Azurite), which are killed at random, as the database is. The
/// archive that results is the one that a single worker makes in peace, byte for byte, and nothing was published twice.
/// </summary>
[Trait("Category", "Real")]
public sealed class ClusterTests : IAsyncLifetime, IDisposable
{
    private const int Workers = 3;
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(8);
    private static readonly int Kernels = int.TryParse(Environment.GetEnvironmentVariable("BTF_ARCHIVE_TEST_KERNELS"), out var set) ? set : 200;

    private readonly AptRepository _repository = new();
    private readonly TempFolder _folder = new();
    private readonly PostgresServer _postgres = new();
    private MirrorServer _mirror = null!;

    public async Task InitializeAsync()
    {
        _repository.AddAlikeKernels(Kernels);
        _repository.Publish();
        _mirror = await MirrorServer.StartAsync(_repository.Root);
    }

    public async Task DisposeAsync() => await _mirror.DisposeAsync();

    public void Dispose()
    {
        _postgres.Dispose();
        _repository.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task WorkersThatAreKilledMakeTheArchiveOfACalmRun()
    {
        using var calm = new Archive(_postgres.NewDatabase(), $"calm-{Guid.NewGuid():n}");
        using (Start(calm, "calm"))
            await calm.WaitAsync(Kernels, Limit);
        using var stormy = new Archive(_postgres.NewDatabase(), $"stormy-{Guid.NewGuid():n}");
        var kills = await StormAsync(stormy);
        Assert.True(kills >= 5, $"only {kills} kills while there was work");
        Assert.Equal(await calm.TreeAsync(), await stormy.TreeAsync());
        var lines = await stormy.ChainAsync();
        Assert.Equal(Kernels, lines.Count);
        Assert.Equal(Kernels, lines.Select(l => l.Split('\t')[1]).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal((await calm.ChainAsync()).Order(StringComparer.Ordinal), lines.Order(StringComparer.Ordinal));
    }

    /// <summary>Every few seconds somebody dies; a worker is started again, as a supervisor would.</summary>
    private async Task<int> StormAsync(Archive archive)
    {
        var random = new Random(7);
        var workers = Enumerable.Range(0, Workers).Select(i => Start(archive, $"worker-{i}")).ToArray();
        var kills = 0;
        try
        {
            var done = archive.WaitAsync(Kernels, Limit);
            while (await Task.WhenAny(done, Task.Delay(random.Next(2000, 6000))) != done)
            {
                if (await archive.CountAsync() == 0)
                    continue; // Not before there is work under way.
                var victim = random.Next(Workers + 1);
                if (victim == Workers)
                {
                    _postgres.Kill();
                    _postgres.Start();
                }
                else
                {
                    workers[victim].Dispose();
                    workers[victim] = Start(archive, $"worker-{victim}");
                }
                kills++;
            }
            await done;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException(string.Join("\n\n", workers.Select(w => w.Log[^Math.Min(w.Log.Length, 4000)..])), e);
        }
        finally
        {
            foreach (var worker in workers)
                worker.Dispose();
        }
        return kills;
    }

    private ArchiveProcess Start(Archive archive, string name) => ArchiveProcess.Start(
        _folder.File(name), [.. archive.Settings,
        "--Crawler:CheckIn=00:00:01",
        "--Crawler:Concurrency=1",
        "--Crawler:ConcurrencyPerHost=8",
        "--Crawler:MinFreeBytes=0",
        "--Crawler:Sources:debian:Releases:0=bookworm",
        "--Crawler:Sources:debian:Arches:0=amd64",
        "--Crawler:Sources:debian:Flavours:0=all",
        "--Crawler:Sources:debian:Newest=100000",
        $"--Crawler:Sources:debian:Mirrors:0={_mirror.Url}",
        $"--Crawler:Sources:debian:SecurityMirrors:0={_mirror.Url}",
        $"--Crawler:Sources:debian:Keyring={_repository.Keyring}",
    ]);

    /// <summary>Catalogue and container, seen from outside.</summary>
    private sealed class Archive(string database, string container) : IDisposable
    {
        private readonly PostgresCatalogue _catalogue = new(database, TimeProvider.System);
        private readonly AzureBlobStore _blobs = new(new AzureOptions { Connection = AzuriteServer.Shared.ConnectionString(), Container = container }, TimeProvider.System);

        public string[] Settings =>
        [
            "--Catalogue=postgres", $"--ConnectionStrings:Catalogue={database}", "--Blobs=azure", $"--ConnectionStrings:Blobs={AzuriteServer.Shared.ConnectionString()}", $"--Azure:Container={container}",
        ];

        public void Dispose() => _catalogue.Dispose();

        public async Task WaitAsync(int kernels, TimeSpan limit)
        {
            for (var waited = System.Diagnostics.Stopwatch.StartNew(); await CountAsync() < kernels; await Task.Delay(500))
            {
                if (waited.Elapsed > limit)
                    throw new TimeoutException($"{await CountAsync()} of {kernels} kernels are published");
            }
        }

        /// <summary>How many are published; none where there is no catalogue yet.</summary>
        public async Task<long> CountAsync()
        {
            try
            {
                return (await _catalogue.ChainHeadAsync(default)).Position;
            }
            catch (Npgsql.PostgresException e) when (e.SqlState == Npgsql.PostgresErrorCodes.UndefinedTable)
            {
                return 0;
            }
        }

        public async Task<IReadOnlyList<string>> ChainAsync() => [.. (await _catalogue.ChainAsync(0, int.MaxValue, default)).Select(e => e.Line)];

        /// <summary>Every blob's key with its digest.</summary>
        public async Task<SortedDictionary<string, string>> TreeAsync()
        {
            var tree = new SortedDictionary<string, string>(StringComparer.Ordinal);
            await foreach (var key in _blobs.ListAsync("", default))
            {
                await using var content = (await _blobs.OpenReadAsync(key, default))!;
                tree[key] = Convert.ToHexStringLower(await SHA256.HashDataAsync(content));
            }
            return tree;
        }
    }
}
