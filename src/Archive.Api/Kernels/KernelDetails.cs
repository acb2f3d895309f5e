using System.Collections.Concurrent;
using Archive.Extractor.Packages;
using Archive.Store.Blobs;
using Archive.Store.Kernels;
using Btf;

namespace Archive.Api.Kernels;

/// <summary>
/// What belongs to a kernel in long lists: how it was configured, and which modules have BTF. They are read out of its blobs, which takes some tenths of a
/// second; those that were asked for of late are kept.
/// </summary>
public sealed class KernelDetails(Inventories inventories, IBlobStore blobs)
{
    private const int MaxKept = 32;

    private readonly ConcurrentDictionary<string, IReadOnlyList<string>> _kept = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<string> _order = new();

    /// <summary>Options that are set, as <c>CONFIG_BPF=y</c>; empty where they are not known.</summary>
    /// <exception cref="BlobStoreException">The blob cannot be read.</exception>
    public Task<IReadOnlyList<string>> ConfigAsync(Publication publication, CancellationToken cancellation) => KeptAsync(
        $"config {publication.Tarball.Sha256}", async () => (await inventories.ReadAsync(publication, cancellation))?.Config ?? []);

    /// <summary>Names of the modules whose BTF was published, in order; empty where none was.</summary>
    /// <exception cref="BlobStoreException">The blob cannot be read.</exception>
    public Task<IReadOnlyList<string>> ModulesAsync(Publication publication, CancellationToken cancellation) => publication.Modules is { } modules
        ? KeptAsync($"modules {modules.Sha256}", () => NamesAsync(BlobPaths.Modules(modules.Sha256), cancellation))
        : Task.FromResult<IReadOnlyList<string>>([]);

    private async Task<IReadOnlyList<string>> NamesAsync(string key, CancellationToken cancellation)
    {
        await using var tarball = await blobs.OpenReadAsync(key, cancellation) ?? throw new BlobStoreException($"{key} is in the catalogue but not in the store");
        var names = new List<string>();
        try
        {
            _ = BtfTarball.UnpackModules(tarball, Note).Count();
        }
        catch (MalformedInputException defect)
        {
            throw new BlobStoreException($"{key}: {defect.Message}", defect);
        }
        return names;

        // None is wanted but its name.
        bool Note(string name)
        {
            names.Add(name);
            return false;
        }
    }

    private async Task<IReadOnlyList<string>> KeptAsync(string key, Func<Task<IReadOnlyList<string>>> read)
    {
        if (_kept.TryGetValue(key, out var known))
            return known;
        var lines = await read();
        if (_kept.TryAdd(key, lines))
            _order.Enqueue(key);
        while (_order.Count > MaxKept && _order.TryDequeue(out var oldest))
            _kept.TryRemove(oldest, out _);
        return lines;
    }
}
