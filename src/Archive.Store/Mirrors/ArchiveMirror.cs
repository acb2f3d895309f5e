using System.Text;
using System.Text.Json;
using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Archive.Store.Trust;

namespace Archive.Store.Mirrors;

/// <summary>What a sync did.</summary>
/// <param name="Entries">Of the chain, new since the last one.</param>
/// <param name="Bytes">Of the blobs that were fetched.</param>
public sealed record MirrorResult(ChainHead Head, long Entries, int Fetched, long Bytes, int Withdrawn);

/// <summary>What of an archive is mirrored; null for all.</summary>
public sealed record MirrorFilter(string? Distro, string? Version, string? Arch)
{
    public bool Wants(KernelKey key) =>
        (Distro is null || Distro == key.Distro) && (Version is null || Version == key.Version) && (Arch is null || Arch == key.Arch);
}

/// <summary>
/// Keeps a folder equal to an archive. The chain is the log to follow: what is behind the remembered position is new, and nothing else
/// is asked for. In this order: the checkpoint must be signed by the trusted key, or by one that it leads to by endorsements; the
/// entries must lead from the remembered hash to the checkpoint's; each blob must have its entry's digest before it gets its name.
/// Interrupted at any moment, the next sync goes on where this one stopped. The folder is a tree for any web server, itself a
/// source of syncs, and checked by <c>sha256sum -c v1/SHA256SUMS</c>.
/// </summary>
/// <param name="store">Takes the tree; null for the folder, which otherwise only has what the mirror remembers.</param>
public sealed class ArchiveMirror(IMirrorSource source, string folder, MirrorFilter filter, IBlobStore? store = null)
{
    private const int Batch = 64, Parallel = 4, Attempts = 5;
    private long _bytes;
    private int _fetched, _withdrawn;

    /// <param name="trusted">The key to trust; null for the one that was trusted before, or on the first sync the archive's first.</param>
    /// <exception cref="MirrorSourceException">The source cannot be reached, or something of it does not verify.</exception>
    /// <exception cref="BlobStoreException">The folder cannot take it.</exception>
    public async Task<MirrorResult> SyncAsync(Ed25519PublicKey? trusted, IProgress<ChainHead>? progress, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        using var state = MirrorState.Open(folder);
        using var own = store is null ? FolderBlobStore.Open(folder) : null;
        var blobs = store ?? own!;
        var start = state.Head;
        for (var attempt = 1; ; attempt++)
        {
            var keys = await source.KeysAsync(cancellation);
            var signed = await source.CheckpointAsync(cancellation);
            Authenticate(state, keys, signed, trusted);
            var withdrawn = await VerifyChainAsync(state, signed.Checkpoint.Head, cancellation);
            await FollowAsync(state, blobs, withdrawn, progress, cancellation);
            if (await TryWriteTrustAsync(state, blobs, keys, signed, attempt == Attempts, cancellation))
                return new MirrorResult(state.Head, state.Head.Position - start.Position, _fetched, _bytes, _withdrawn);
        }
    }

    /// <summary>Finds the way from the trusted key to the one that signed.</summary>
    private static void Authenticate(MirrorState state, IReadOnlyList<ArchiveKey> keys, SignedCheckpoint signed, Ed25519PublicKey? trusted)
    {
        var anchor = trusted ?? state.TrustedKey ?? (keys.Count > 0 ? keys[0].PublicKey : throw new MirrorSourceException("the archive shows no key"));
        // By the whole key: an id is too short to trust somebody else's key by.
        var index = keys.ToList().FindIndex(k => k.PublicKey.ToInfo().AsSpan().SequenceEqual(anchor.ToInfo()));
        if (index < 0)
            throw new MirrorSourceException($"the archive does not show the trusted key {anchor.Id}");
        for (; index + 1 < keys.Count; index++)
        {
            if (!keys[index + 1].IsEndorsedBy(keys[index].PublicKey))
                throw new MirrorSourceException($"key {keys[index + 1].PublicKey.Id} is not endorsed by its predecessor {keys[index].PublicKey.Id}");
        }
        if (!signed.IsSignedBy(keys[index].PublicKey))
            throw new MirrorSourceException($"the checkpoint is not signed by key {keys[index].PublicKey.Id}");
        state.Trust(keys[index].PublicKey);
    }

    /// <summary>Nothing is fetched before the whole of the news is known to lead to the checkpoint; until then it waits in a file.</summary>
    /// <returns>Tarballs that are withdrawn in it: they can no longer be had.</returns>
    private async Task<HashSet<string>> VerifyChainAsync(MirrorState state, ChainHead to, CancellationToken cancellation)
    {
        var head = state.Head;
        if (to.Position < head.Position)
            throw new MirrorSourceException($"the archive's chain ends at {to.Position}, before what was synced ({head.Position}): it was rolled back");
        var withdrawn = new HashSet<string>(StringComparer.Ordinal);
        await using var news = state.CreateNews();
        await foreach (var entry in source.ChainAsync(head.Position, cancellation))
        {
            if (entry.Position > to.Position)
                break;
            if (entry != ChainEntry.After(head, entry.Line))
                throw new MirrorSourceException($"entry {entry.Position} of the chain does not follow from entry {head.Position}");
            if (ChainEvent.Parse(entry.Line) is { IsWithdrawal: true } withdrawal)
                withdrawn.Add(withdrawal.Tarball.Sha256);
            await news.WriteAsync(ChainText.Write(entry).AsMemory(), cancellation);
            head = entry.Head;
        }
        return head == to ? withdrawn : throw new MirrorSourceException($"the chain leads to {head.Position} {head.Hash}, the signed checkpoint says {to.Position} {to.Hash}");
    }

    private async Task FollowAsync(MirrorState state, IBlobStore blobs, HashSet<string> withdrawn, IProgress<ChainHead>? progress, CancellationToken cancellation)
    {
        foreach (var batch in state.ReadNews().Chunk(Batch))
        {
            var events = batch.Select(e => ChainEvent.Parse(e.Line)).Where(e => filter.Wants(e.Key)).ToList();
            var wanted = events.Where(e => !e.IsWithdrawal && !withdrawn.Contains(e.Tarball.Sha256));
            await System.Threading.Tasks.Parallel.ForEachAsync(wanted, new ParallelOptions { MaxDegreeOfParallelism = Parallel, CancellationToken = cancellation },
                async (e, stop) => await FetchAsync(blobs, e, stop));
            foreach (var entry in batch)
                state.Apply(entry);
            foreach (var e in events)
                await NameAsync(state, blobs, e, withdrawn, cancellation);
            state.Save(batch);
            progress?.Report(state.Head);
        }
    }

    private async ValueTask FetchAsync(IBlobStore blobs, ChainEvent e, CancellationToken cancellation)
    {
        var digest = e.Tarball.Sha256;
        await FetchAsync(blobs, BlobPaths.Tarball(digest), e.Tarball, PutMode.CreateOnly, cancellation);
        await FetchAsync(blobs, BlobPaths.Provenance(digest), e.Provenance, PutMode.Replace, cancellation);
        if (e.Modules is { } modules)
            await FetchAsync(blobs, BlobPaths.Modules(modules.Sha256), modules, PutMode.CreateOnly, cancellation);
    }

    private async Task FetchAsync(IBlobStore blobs, string key, StoredForm form, PutMode mode, CancellationToken cancellation)
    {
        if (mode == PutMode.CreateOnly && await blobs.StatAsync(key, cancellation) is not null)
            return;
        await using var content = new VerifyingStream(await source.OpenAsync(key, cancellation), form, key);
        await blobs.PutAsync(key, content, mode, cancellation);
        Interlocked.Increment(ref _fetched);
        Interlocked.Add(ref _bytes, form.Size);
    }

    /// <summary>Makes the tree's paths those of the newest build, or none where none is left.</summary>
    private async Task NameAsync(MirrorState state, IBlobStore blobs, ChainEvent e, HashSet<string> withdrawn, CancellationToken cancellation)
    {
        var newest = state.BuildsOf(e.Key).LastOrDefault(b => !withdrawn.Contains(b.Tarball.Sha256));
        if (newest is not null)
        {
            await blobs.CopyAsync(BlobPaths.Tarball(newest.Tarball.Sha256), BlobPaths.Tree(e.Key), cancellation);
            await blobs.CopyAsync(BlobPaths.Provenance(newest.Tarball.Sha256), BlobPaths.TreeProvenance(e.Key), cancellation);
            if (newest.Modules is { } modules)
                await blobs.CopyAsync(BlobPaths.Modules(modules.Sha256), BlobPaths.TreeModules(e.Key), cancellation);
        }
        if (!e.IsWithdrawal)
            return;
        _withdrawn++;
        if (newest is null)
        {
            await blobs.DeleteAsync(BlobPaths.Tree(e.Key), cancellation);
            await blobs.DeleteAsync(BlobPaths.TreeProvenance(e.Key), cancellation);
            await blobs.DeleteAsync(BlobPaths.TreeModules(e.Key), cancellation);
        }
        await PutAsync(blobs, BlobPaths.Tombstone(e.Tarball.Sha256), Encoding.UTF8.GetBytes(e.ToLine() + "\n"), cancellation);
        if (!state.Needs(e.Tarball.Sha256, e.Key))
        {
            await blobs.DeleteAsync(BlobPaths.Tarball(e.Tarball.Sha256), cancellation);
            await blobs.DeleteAsync(BlobPaths.Provenance(e.Tarball.Sha256), cancellation);
        }
    }

    /// <summary>
    /// What lets others check the mirror, or sync from it. False where the archive has gone on meanwhile, and shows the list of a later
    /// checkpoint.
    /// </summary>
    private async Task<bool> TryWriteTrustAsync(
        MirrorState state, IBlobStore blobs, IReadOnlyList<ArchiveKey> keys, SignedCheckpoint signed, bool isLast, CancellationToken cancellation)
    {
        try
        {
            await using var sums = new VerifyingStream(await source.OpenSumsAsync(cancellation), signed.Checkpoint.Sums, "SHA256SUMS");
            await blobs.PutAsync("v1/SHA256SUMS", sums, PutMode.Replace, cancellation);
        }
        catch (MirrorSourceException) when (!isLast)
        {
            return false;
        }
        await using (var chain = state.OpenChain())
            await blobs.PutAsync("v1/chain", chain, PutMode.Replace, cancellation);
        await PutAsync(blobs, "v1/keys", JsonSerializer.SerializeToUtf8Bytes(new KeyList([.. keys.Select(KeyDocument.Of)]), KeyJson.Default.KeyList), cancellation);
        await PutAsync(blobs, "v1/key.pem", Encoding.ASCII.GetBytes(keys[^1].PublicKey.ToPem()), cancellation);
        await PutAsync(blobs, "v1/checkpoint.sig", signed.Signature, cancellation);
        await PutAsync(blobs, "v1/checkpoint", signed.Bytes, cancellation);
        return true;
    }

    private static async Task PutAsync(IBlobStore blobs, string key, byte[] bytes, CancellationToken cancellation)
    {
        using var content = new MemoryStream(bytes, writable: false);
        await blobs.PutAsync(key, content, PutMode.Replace, cancellation);
    }
}
