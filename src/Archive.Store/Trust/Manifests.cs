using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Store.Trust;

/// <summary>The list of everything served, and the checkpoint that vouches for it.</summary>
/// <param name="SumsPath">The file <c>SHA256SUMS</c>; it may be gone when a newer manifest has taken over.</param>
public sealed record Manifest(SignedCheckpoint Signed, Checkpoint Checkpoint, string SumsPath);

/// <summary>
/// Makes the manifest anew when the chain has grown or the key was rotated, at most every few seconds, and while others wait for the
/// same. List and chain are read as of one moment; the list goes to a file of this process, so that a large archive costs no memory.
/// </summary>
public sealed class Manifests : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);
    private readonly ICatalogue _catalogue;
    private readonly SigningKeys _keys;
    private readonly TimeProvider _clock;
    private readonly Lazy<LockedFolder> _folder;
    private readonly SemaphoreSlim _one = new(1);
    private Manifest? _current;
    private DateTimeOffset _checked;
    private long _files;

    /// <param name="folder">Shared by processes; each has a subfolder of its own, made when it is first needed.</param>
    public Manifests(ICatalogue catalogue, SigningKeys keys, TimeProvider clock, string folder)
    {
        (_catalogue, _keys, _clock) = (catalogue, keys, clock);
        _folder = new(() =>
        {
            LockedFolder.Sweep(Directory.CreateDirectory(folder).FullName);
            return LockedFolder.TryEnter(folder, Guid.NewGuid().ToString("n")) ?? throw new IOException($"{folder}: a fresh name is already held");
        });
    }

    /// <summary>The manifest of now, give or take five seconds.</summary>
    public async Task<Manifest> CurrentAsync(CancellationToken cancellation)
    {
        await _one.WaitAsync(cancellation);
        try
        {
            var now = _clock.GetUtcNow();
            if (_current is not null && now - _checked < Pause)
                return _current;
            var key = _keys.Current();
            if (_current is null || _current.Checkpoint.KeyId != key.PublicKey.Id || _current.Checkpoint.Head != await _catalogue.ChainHeadAsync(cancellation))
                _current = await MakeAsync(key, _current, cancellation);
            _checked = _clock.GetUtcNow();
            return _current;
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose()
    {
        if (_folder.IsValueCreated)
            _folder.Value.Dispose();
        _one.Dispose();
    }

    private async Task<Manifest> MakeAsync(Ed25519PrivateKey key, Manifest? previous, CancellationToken cancellation)
    {
        var path = Path.Combine(_folder.Value.FullPath, (++_files).ToString(CultureInfo.InvariantCulture));
        ChainHead head;
        StoredForm sums;
        await using (var writer = new SumsWriter(path))
        {
            head = await _catalogue.VisitPublishedAsync(writer.Add, cancellation);
            sums = writer.End();
        }
        var checkpoint = new Checkpoint(head, sums, key.PublicKey.Id, _clock.GetUtcNow());
        var bytes = checkpoint.ToBytes();
        if (previous is not null)
            File.Delete(previous.SumsPath); // Who has it open reads on.
        return new Manifest(new SignedCheckpoint(bytes, key.Sign(bytes)), checkpoint, path);
    }
}

/// <summary>
/// Writes <c>SHA256SUMS</c> as <c>sha256sum -c</c> reads it: tarball, provenance and modules of the newest build of each kernel by their path in the
/// tree, those of older builds by digest.
/// </summary>
internal sealed class SumsWriter(string path) : IAsyncDisposable
{
    private readonly FileStream _file = new(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, 1 << 16);
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly List<KernelRecord> _builds = [];

    /// <summary>The next record, in order of the tree.</summary>
    public void Add(KernelRecord record)
    {
        if (_builds.Count > 0 && _builds[0].Build.Key != record.Build.Key)
            WriteKernel();
        _builds.Add(record);
    }

    public StoredForm End()
    {
        if (_builds.Count > 0)
            WriteKernel();
        _file.Flush();
        return new StoredForm(Convert.ToHexStringLower(_hash.GetHashAndReset()), _file.Length);
    }

    public async ValueTask DisposeAsync()
    {
        _hash.Dispose();
        await _file.DisposeAsync();
    }

    private void WriteKernel()
    {
        var newest = _builds.MaxBy(b => b.Build.PackageVersion, PackageVersionOrder.Instance)!;
        foreach (var build in _builds)
        {
            var (publication, key) = (build.Publication!, build.Build.Key);
            var digest = publication.Tarball.Sha256;
            Write(digest, build == newest ? BlobPaths.Tree(key) : BlobPaths.Tarball(digest));
            Write(publication.Provenance.Sha256, build == newest ? BlobPaths.TreeProvenance(key) : BlobPaths.Provenance(digest));
            if (publication.Modules is { } modules)
                Write(modules.Sha256, build == newest ? BlobPaths.TreeModules(key) : BlobPaths.Modules(modules.Sha256));
        }
        _builds.Clear();
    }

    private void Write(string digest, string name)
    {
        var line = Encoding.UTF8.GetBytes($"{digest}  {name}\n");
        _hash.AppendData(line);
        _file.Write(line);
    }
}
