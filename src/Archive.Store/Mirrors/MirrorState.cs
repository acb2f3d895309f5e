using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Archive.Store.Trust;
using Microsoft.Win32.SafeHandles;

namespace Archive.Store.Mirrors;

/// <summary>
/// What a mirror remembers, in <c>.sync</c> of its folder: the chain as far as its blobs are here, and the key it trusts. Held by one
/// process at a time.
/// </summary>
internal sealed class MirrorState : IDisposable
{
    private readonly string _folder;
    private readonly SafeFileHandle _lock;
    private readonly Dictionary<KernelKey, List<ChainEvent>> _live = [];

    private MirrorState(string folder, SafeFileHandle held) => (_folder, _lock) = (folder, held);

    public ChainHead Head { get; private set; } = ChainHead.Empty;

    private string ChainPath => Path.Combine(_folder, "chain");

    private string NewsPath => Path.Combine(_folder, "news");

    private string KeyPath => Path.Combine(_folder, "key.pem");

    /// <exception cref="MirrorSourceException">Another process mirrors to the folder, or what is remembered is damaged.</exception>
    public static MirrorState Open(string mirror)
    {
        var folder = Directory.CreateDirectory(Path.Combine(mirror, ".sync")).FullName;
        var held = FileLock.TryTake(Path.Combine(folder, "lock")) ?? throw new MirrorSourceException($"{mirror} is being synced by another process");
        var state = new MirrorState(folder, held);
        try
        {
            state.Load();
            return state;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>The key that is trusted; null before the first sync.</summary>
    public Ed25519PublicKey? TrustedKey => File.Exists(KeyPath) ? Ed25519PublicKey.OfPem(File.ReadAllText(KeyPath)) : null;

    public void Trust(Ed25519PublicKey key) => File.WriteAllText(KeyPath, key.ToPem());

    /// <summary>Published builds of a kernel, oldest package version first.</summary>
    public IReadOnlyList<ChainEvent> BuildsOf(KernelKey key) => _live.TryGetValue(key, out var builds) ? builds : [];

    /// <summary>Whether a build that is published has this tarball.</summary>
    public bool Needs(string tarball, KernelKey key) => BuildsOf(key).Any(b => b.Tarball.Sha256 == tarball);

    public void Apply(ChainEntry entry)
    {
        var @event = ChainEvent.Parse(entry.Line);
        var builds = _live.TryGetValue(@event.Key, out var known) ? known : _live[@event.Key] = [];
        builds.RemoveAll(b => b.PackageName == @event.PackageName && b.PackageVersion == @event.PackageVersion);
        if (!@event.IsWithdrawal)
            builds.Add(@event);
        builds.Sort(static (a, b) => PackageVersionOrder.Instance.Compare(a.PackageVersion, b.PackageVersion));
        Head = entry.Head;
    }

    /// <summary>Remembers entries whose blobs are here.</summary>
    public void Save(IEnumerable<ChainEntry> entries)
    {
        using var file = new FileStream(ChainPath, FileMode.Append, FileAccess.Write);
        using var writer = new StreamWriter(file);
        foreach (var entry in entries)
            writer.Write(ChainText.Write(entry));
        writer.Flush();
        file.Flush(flushToDisk: true);
    }

    /// <summary>Takes entries, as <see cref="ChainText"/> writes them, that are not yet followed.</summary>
    public StreamWriter CreateNews() => File.CreateText(NewsPath);

    public IEnumerable<ChainEntry> ReadNews() => File.ReadLines(NewsPath).Select(ChainText.Parse);

    public Stream OpenChain() => File.OpenRead(ChainPath);

    public void Dispose() => _lock.Dispose();

    /// <summary>A last line that a kill cut short is cut off.</summary>
    private void Load()
    {
        if (!File.Exists(ChainPath))
        {
            File.Create(ChainPath).Dispose();
            return;
        }
        var text = File.ReadAllText(ChainPath);
        var whole = text.LastIndexOf('\n') + 1;
        foreach (var line in text[..whole].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var entry = ChainText.Parse(line);
            if (entry != ChainEntry.After(Head, entry.Line))
                throw new MirrorSourceException($"{ChainPath} is damaged at entry {entry.Position}; delete it to check every file anew");
            Apply(entry);
        }
        if (whole < text.Length)
            File.WriteAllText(ChainPath, text[..whole]);
    }
}
