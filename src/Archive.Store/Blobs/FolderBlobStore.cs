using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Archive.Store.Blobs;

/// <summary>
/// Blobs as files below one folder, whose names are the keys: any web server can serve it as it is.
/// </summary>
/// <remarks>
/// A blob is written under a temporary name in <c>.staging</c> (the same file system, never a key), its length is checked, it
/// is synced, and only then named by rename(2), or by link(2), which does not replace. Both are atomic, so a reader sees the old
/// blob, the new one, or none. The folder is synced last: before that a name may be lost in a power cut. What a killed writer
/// staged is swept when a store is opened; a live writer's staging is told by its lock (<see cref="LockedFolder"/>).
/// </remarks>
public sealed class FolderBlobStore : IBlobStore, IDisposable
{
    private const int CopyBufferSize = 128 * 1024;
    private readonly string _root;
    private readonly LockedFolder _staging;
    private readonly ConcurrentDictionary<string, bool> _durableFolders = new(StringComparer.Ordinal);
    private long _staged;

    private FolderBlobStore(string root, LockedFolder staging) => (_root, _staging) = (root, staging);

    /// <summary>Opens the store below <paramref name="root"/>, creating it where it is not there.</summary>
    public static FolderBlobStore Open(string root)
    {
        root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(root));
        var staging = Path.Combine(root, ".staging");
        LockedFolder.Sweep(staging);
        var own = LockedFolder.TryEnter(staging, Guid.NewGuid().ToString("N"));
        return new FolderBlobStore(root, own ?? throw new BlobStoreException($"{staging}: a fresh name is already held"));
    }

    public async Task<bool> PutAsync(string key, Stream content, PutMode mode, CancellationToken cancellation)
    {
        var target = PathOf(key);
        if (mode == PutMode.CreateOnly && File.Exists(target))
            return false; // Saves the writing; between racers the link decides.
        var staged = NewStagedPath();
        try
        {
            await StageAsync(key, staged, content, cancellation);
            return Guard(key, () => Name(staged, target, mode));
        }
        finally
        {
            File.Delete(staged);
        }
    }

    public async Task CopyAsync(string source, string target, CancellationToken cancellation)
    {
        await using var content = await OpenReadAsync(source, cancellation)
            ?? throw new BlobStoreException($"'{source}' cannot be copied: it is absent");
        var targetPath = PathOf(target);
        var staged = NewStagedPath();
        try
        {
            if (!TryLink(PathOf(source), staged))
                await StageAsync(target, staged, content, cancellation);
            Guard(target, () => Name(staged, targetPath, PutMode.Replace));
        }
        finally
        {
            // rename(2) does nothing when both names are the same file already, so the staged one may still be there.
            File.Delete(staged);
        }
    }

    public Task<BlobStat?> StatAsync(string key, CancellationToken cancellation)
    {
        var file = new FileInfo(PathOf(key));
        return Task.FromResult(file.Exists ? new BlobStat(file.Length, new DateTimeOffset(file.LastWriteTimeUtc)) : null);
    }

    public Task<Stream?> OpenReadAsync(string key, CancellationToken cancellation)
    {
        var path = PathOf(key);
        return Task.FromResult(Guard(key, () => OpenOrNull(path)));
    }

    public async IAsyncEnumerable<string> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellation)
    {
        foreach (var key in FolderListing.Keys(_root, prefix))
        {
            cancellation.ThrowIfCancellationRequested();
            yield return key;
        }
        await Task.CompletedTask;
    }

    public Task<bool> DeleteAsync(string key, CancellationToken cancellation)
    {
        var path = PathOf(key);
        return Task.FromResult(Guard(key, () =>
        {
            if (!File.Exists(path) || !Posix.Unlink(path))
                return false;
            Posix.SyncFolder(Path.GetDirectoryName(path)!);
            return true;
        }));
    }

    public void Dispose() => _staging.Dispose();

    private string PathOf(string key) => Path.Combine(_root, BlobKey.Check(key));

    private string NewStagedPath() =>
        Path.Combine(_staging.FullPath, Interlocked.Increment(ref _staged).ToString(CultureInfo.InvariantCulture));

    /// <summary>Errors of the store become <see cref="BlobStoreException"/>; those of <paramref name="content"/> stay what they are.</summary>
    private static async Task StageAsync(string key, string staged, Stream content, CancellationToken cancellation)
    {
        long? expected = content.CanSeek ? content.Length - content.Position : null;
        await using var file = Guard(key, () => CreateStaged(staged));
        var buffer = new byte[CopyBufferSize];
        long copied = 0;
        for (int read; (read = await content.ReadAsync(buffer, cancellation)) > 0; copied += read)
            Guard(key, () => file.Write(buffer, 0, read));
        Guard(key, () => file.Flush(flushToDisk: true));
        if (file.Length != copied || copied != (expected ?? copied))
            throw new BlobStoreException($"'{key}': {file.Length} bytes stored of {copied} read and {expected ?? copied} promised");
    }

    private static FileStream CreateStaged(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) // A blob is never written again, and its mode says so.
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        return new FileStream(path, options);
    }

    private bool Name(string staged, string target, PutMode mode)
    {
        var folder = Path.GetDirectoryName(target)!;
        MakeDurable(folder);
        if (mode == PutMode.Replace)
            File.Move(staged, target, overwrite: true);
        else if (!Posix.Link(staged, target))
            return false;
        Posix.SyncFolder(folder);
        return true;
    }

    /// <summary>
    /// Creates the folder, and syncs each of its parents once in the life of this store: another process may have created one
    /// and not yet synced it.
    /// </summary>
    private void MakeDurable(string folder)
    {
        if (folder.Length <= _root.Length || _durableFolders.ContainsKey(folder))
            return;
        var parent = Path.GetDirectoryName(folder)!;
        MakeDurable(parent);
        Directory.CreateDirectory(folder);
        Posix.SyncFolder(parent);
        _durableFolders[folder] = true;
    }

    /// <summary>False where this file system or file can have no further name; the bytes are copied then.</summary>
    private static bool TryLink(string source, string staged)
    {
        try
        {
            return Posix.Link(source, staged);
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static Stream? OpenOrNull(string path)
    {
        try
        {
            // Sharing everything: any other mode would take a lock that keeps readers from each other.
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, useAsync: true);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException || (e is UnauthorizedAccessException && Directory.Exists(path)))
        {
            return null; // Asked for only now: what is wanted is there as a rule.
        }
    }

    private static void Guard(string key, Action action) => Guard(key, () =>
    {
        action();
        return true;
    });

    private static T Guard<T>(string key, Func<T> action)
    {
        try
        {
            return action();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BlobStoreException($"'{key}': {e.Message}", e);
        }
    }
}
