using Archive.Api.Kernels;
using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Admin;

/// <summary>
/// Takes a publication back. The catalogue says so first, and with it the chain; then the tree serves the newest build that is left, or none.
/// The blob under its digest stays in the store and is not served; a tombstone beside it says why.
/// </summary>
public sealed class Withdrawals(ICatalogue catalogue, IBlobStore blobs, KernelIndex index)
{
    public async Task WithdrawAsync(KernelRecord record, string reason, CancellationToken cancellation)
    {
        var key = record.Build.Key;
        await catalogue.RecordOutcomeAsync(record.Build, Outcome.Withdrawn, reason, null, cancellation);
        if (record.Publication is { } publication)
            await WriteTombstoneAsync(record, publication, reason, cancellation);
        if ((await index.BuildsAsync(key, cancellation)).FirstOrDefault(KernelIndex.IsServed)?.Publication is { } left)
            await NameAsync(key, left, cancellation);
        else
            await UnnameAsync(key, cancellation);
    }

    private async Task WriteTombstoneAsync(KernelRecord record, Publication publication, string reason, CancellationToken cancellation)
    {
        var line = (ChainEvent.Published(record.Build, publication) with { Reason = reason }).ToLine() + "\n";
        using var content = new MemoryStream(System.Text.Encoding.UTF8.GetBytes(line));
        await blobs.PutAsync(BlobPaths.Tombstone(publication.Tarball.Sha256), content, PutMode.Replace, cancellation);
    }

    private async Task NameAsync(KernelKey key, Publication publication, CancellationToken cancellation)
    {
        var digest = publication.Tarball.Sha256;
        await UnnameAsync(key, cancellation);
        await blobs.CopyAsync(BlobPaths.Tarball(digest), BlobPaths.Tree(key), cancellation);
        await blobs.CopyAsync(BlobPaths.Provenance(digest), BlobPaths.TreeProvenance(key), cancellation);
        if (publication.Modules is { } modules)
            await blobs.CopyAsync(BlobPaths.Modules(modules.Sha256), BlobPaths.TreeModules(key), cancellation);
        if (await blobs.StatAsync(BlobPaths.Inventory(digest), cancellation) is not null)
            await blobs.CopyAsync(BlobPaths.Inventory(digest), BlobPaths.TreeInventory(key), cancellation);
    }

    private async Task UnnameAsync(KernelKey key, CancellationToken cancellation)
    {
        foreach (var path in (string[])[BlobPaths.Tree(key), BlobPaths.TreeProvenance(key), BlobPaths.TreeInventory(key), BlobPaths.TreeModules(key)])
            await blobs.DeleteAsync(path, cancellation);
    }
}
