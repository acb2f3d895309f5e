using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using StoreCrashHost;
using TestKit;

namespace Archive.Store.Tests;

/// <summary>Real processes on one archive: killed while they write, and many at once.</summary>
public sealed class ArchiveStoreCrashTests : IDisposable
{
    private readonly TempFolder _data = new();

    [Fact]
    public async Task APublisherKilledAtAnyMomentLeavesWholeBlobsAndTrueRows()
    {
        var published = 0;
        for (var round = 0; round < 6; round++)
        {
            using (var host = await HostProcess.Start("publish", _data.FullPath).ReadyAsync())
            {
                await Task.Delay(200 + (round * 37));
                host.Kill();
            }
            using var store = await OpenAsync();
            await AssertEveryBlobIsWholeAsync(store.Blobs);
            published = await AssertEveryRowIsTrueAsync(store);
            AssertNothingIsStaged(live: 1);
        }
        Assert.True(published > 0, "no round published anything");
    }

    [Fact]
    public async Task AReaderSeesOnlyWholeBlobsWhileAnotherProcessPublishes()
    {
        using var store = await OpenAsync();
        using var host = await HostProcess.Start("publish", _data.FullPath).ReadyAsync();
        for (var round = 0; round < 10 || await CountAsync(store.Blobs) == 0; round++)
            await AssertEveryBlobIsWholeAsync(store.Blobs);
    }

    [Fact]
    public async Task AKilledHolderGivesUpItsWorkFolder()
    {
        using var store = await OpenAsync();
        using var host = await HostProcess.Start("hold", _data.FullPath, "kernel").ReadyAsync();
        Assert.Null(store.Work.TryEnter("kernel"));
        host.Kill();
        using var entered = store.Work.TryEnter("kernel")!;
        Assert.Empty(Directory.GetFileSystemEntries(entered.FullPath));
    }

    [Fact]
    public async Task OpeningSweepsTheWorkFoldersOfTheDeadAndLeavesThoseOfTheLiving()
    {
        using var living = await HostProcess.Start("hold", _data.FullPath, "living").ReadyAsync();
        using (var dead = await HostProcess.Start("hold", _data.FullPath, "dead").ReadyAsync())
            dead.Kill();
        using var store = await OpenAsync();
        Assert.True(File.Exists(_data.File("work/living/half")));
        Assert.False(Directory.Exists(_data.File("work/dead")));
    }

    [Fact]
    public async Task ProcessesThatStartAtOnceShareOneCatalogue()
    {
        var hosts = Enumerable.Range(0, 4).Select(i => HostProcess.Start("see", _data.FullPath, $"own{i}")).ToList();
        try
        {
            foreach (var host in hosts)
                await host.SucceedAsync();
        }
        finally
        {
            hosts.ForEach(h => h.Dispose());
        }
        using var store = await OpenAsync();
        var records = await store.Catalogue.ListAsync(new KernelFilter(), default);
        Assert.Equal(Enumerable.Range(1, 100).Select(i => (long)i), records.Select(r => r.Sequence));
    }

    [Fact]
    public void AFullDiskIsASaidFailureAndLaterASuccess()
    {
        // A mount namespace of its own: the small file system goes with the process, and users other than root may have one.
        string[] namespaces = Environment.IsPrivilegedProcess ? ["--mount"] : ["--user", "--map-root-user", "--mount"];
        var output = Tool.Run("unshare", [.. namespaces, "sh", "-c",
            "mount -t tmpfs -o size=4m tmpfs \"$1\" && exec dotnet \"$2\" fill \"$1\"", "sh", _data.FullPath, HostProcess.Assembly]).Trim().Split('\n');
        Assert.Contains(output, line => line.StartsWith("BlobStoreException: 'big': No space left on device", StringComparison.Ordinal));
        Assert.Contains(output, line => line.StartsWith("BlobStoreException: 'kept': No space left on device", StringComparison.Ordinal));
        Assert.Contains(output, line => line.Contains("database or disk is full", StringComparison.Ordinal));
        Assert.Equal(["kept: 1004", "later: 1004", "staged: 0", "later row: True"], output[^4..]);
    }

    public void Dispose() => _data.Dispose();

    private Task<ArchiveStore> OpenAsync() =>
        ArchiveStore.OpenAsync(new StoreOptions { DataDirectory = _data.FullPath }, TimeProvider.System, default);

    private static async Task AssertEveryBlobIsWholeAsync(IBlobStore blobs)
    {
        await foreach (var key in blobs.ListAsync("", default))
            Assert.True(WholeBlob.IsWhole((await ReadAsync(blobs, key))!), key);
    }

    private static async Task<int> AssertEveryRowIsTrueAsync(ArchiveStore store)
    {
        var records = await store.Catalogue.ListAsync(new KernelFilter { Outcome = Outcome.Published }, default);
        foreach (var record in records)
        {
            var tarball = record.Publication!.Tarball;
            Assert.Equal(tarball.Size, (await store.Blobs.StatAsync(BlobPaths.Tarball(tarball.Sha256), default))?.Size);
            Assert.NotNull(await store.Blobs.StatAsync(BlobPaths.Tree(record.Build.Key), default));
        }
        return records.Count;
    }

    private void AssertNothingIsStaged(int live)
    {
        var folders = Directory.GetDirectories(_data.File("tree/.staging")).Where(d => !d.EndsWith(".locks", StringComparison.Ordinal)).ToList();
        Assert.Equal(live, folders.Count);
        Assert.All(folders, folder => Assert.Empty(Directory.GetFiles(folder)));
    }

    private static async Task<int> CountAsync(IBlobStore blobs)
    {
        var count = 0;
        await foreach (var _ in blobs.ListAsync("", default))
            count++;
        return count;
    }

    private static async Task<byte[]?> ReadAsync(IBlobStore blobs, string key)
    {
        await using var stream = await blobs.OpenReadAsync(key, default);
        if (stream is null)
            return null;
        var bytes = new byte[stream.Length];
        await stream.ReadExactlyAsync(bytes);
        return bytes;
    }
}
