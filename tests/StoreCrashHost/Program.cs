// Uses an archive as another process does, for the tests that kill it: StoreCrashHost MODE DATA-DIRECTORY [NAME].
using Archive.Store;
using Archive.Store.Blobs;
using Archive.Store.Kernels;
using StoreCrashHost;

using var store = await ArchiveStore.OpenAsync(new StoreOptions { DataDirectory = args[1] }, TimeProvider.System, default);
switch (args[0])
{
    case "publish":
        await PublishForEverAsync();
        break;
    case "see":
        for (var i = 0; i < 20; i++)
        {
            await store.Catalogue.SeenAsync(Builds.Of($"6.1.0-{args[2]}-{i}"), default);
            await store.Catalogue.SeenAsync(Builds.Of($"6.1.0-shared-{i}"), default);
        }
        break;
    case "hold":
        using (var held = store.Work.TryEnter(args[2])!)
        {
            await File.WriteAllTextAsync(Path.Combine(held.FullPath, "half"), "half a packa");
            Console.WriteLine("ready");
            await Task.Delay(Timeout.Infinite);
        }
        break;
    case "fill":
        await FillAsync();
        break;
    default:
        throw new ArgumentException($"no mode '{args[0]}'");
}

// As a crawl publishes: digest, tree, then the row.
async Task PublishForEverAsync()
{
    Console.WriteLine("ready");
    for (var i = 0; ; i++)
    {
        var build = Builds.Of($"6.1.0-{i % 20}");
        var blob = WholeBlob.Of(Random.Shared.Next(1, 400_000));
        var digest = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(blob));
        await store.Blobs.PutAsync(BlobPaths.Tarball(digest), new MemoryStream(blob), PutMode.CreateOnly, default);
        await store.Blobs.CopyAsync(BlobPaths.Tarball(digest), BlobPaths.Tree(build.Key), default);
        await store.Catalogue.RecordPublicationAsync(build, Builds.Publication(new StoredForm(digest, blob.Length)), default);
    }
}

// On a small file system: what a full disk does to blobs and catalogue, and that both go on once there is room.
async Task FillAsync()
{
    await store.Blobs.PutAsync("kept", new MemoryStream(WholeBlob.Of(1000)), PutMode.Replace, default);
    foreach (var key in new[] { "big", "kept" })
        await ShowAsync(() => store.Blobs.PutAsync(key, new MemoryStream(WholeBlob.Of(8_000_000)), PutMode.Replace, default));
    var ballast = Path.Combine(args[1], "ballast");
    await ShowAsync(() => File.WriteAllBytesAsync(ballast, new byte[8_000_000]));
    for (var i = 0; i < 20; i++) // More than fits the pages that the log holds already.
        await ShowAsync(() => store.Catalogue.RecordOutcomeAsync(Builds.Of($"6.1.0-full-{i}"), Outcome.Malformed, new string('r', 100_000), null, default));
    File.Delete(ballast);
    await store.Blobs.PutAsync("later", new MemoryStream(WholeBlob.Of(1000)), PutMode.Replace, default);
    await store.Catalogue.RecordOutcomeAsync(Builds.Of("6.1.0-later"), Outcome.Malformed, "why", null, default);
    await foreach (var key in store.Blobs.ListAsync("", default))
        Console.WriteLine($"{key}: {(await store.Blobs.StatAsync(key, default))!.Size}");
    var staged = Directory.GetDirectories(Path.Combine(args[1], "tree", ".staging")).Where(d => !d.EndsWith(".locks", StringComparison.Ordinal));
    Console.WriteLine($"staged: {staged.Sum(d => Directory.GetFiles(d).Length)}");
    Console.WriteLine($"later row: {await store.Catalogue.FindAsync(Builds.Of("6.1.0-later").Key, Builds.PackageName, Builds.PackageVersion, default) is not null}");
}

static async Task ShowAsync(Func<Task> action)
{
    try
    {
        await action();
    }
    catch (Exception e)
    {
        Console.WriteLine($"{e.GetType().Name}: {e.Message}");
    }
}
