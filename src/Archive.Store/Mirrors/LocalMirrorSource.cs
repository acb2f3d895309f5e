using System.Runtime.CompilerServices;
using Archive.Store.Catalogue;
using Archive.Store.Trust;

namespace Archive.Store.Mirrors;

/// <summary>The archive of this process, for an export.</summary>
public sealed class LocalMirrorSource(ArchiveStore store, SigningKeys keys, Manifests manifests) : IMirrorSource
{
    private const int Page = 1000;

    public Task<IReadOnlyList<ArchiveKey>> KeysAsync(CancellationToken cancellation) => Task.FromResult(keys.All());

    public async Task<SignedCheckpoint> CheckpointAsync(CancellationToken cancellation) => (await manifests.CurrentAsync(cancellation)).Signed;

    public async IAsyncEnumerable<ChainEntry> ChainAsync(long after, [EnumeratorCancellation] CancellationToken cancellation)
    {
        for (IReadOnlyList<ChainEntry> entries; (entries = await store.Catalogue.ChainAsync(after, Page, cancellation)).Count > 0; after = entries[^1].Position)
        {
            foreach (var entry in entries)
                yield return entry;
        }
    }

    public async Task<Stream> OpenAsync(string blobKey, CancellationToken cancellation) =>
        await store.Blobs.OpenReadAsync(blobKey, cancellation) ?? throw new MirrorSourceException($"{blobKey} is in the catalogue but not in the store");

    public async Task<Stream> OpenSumsAsync(CancellationToken cancellation) => File.OpenRead((await manifests.CurrentAsync(cancellation)).SumsPath);
}
