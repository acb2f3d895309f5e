using Archive.Store.Kernels;
using Microsoft.Win32.SafeHandles;

namespace Archive.Store;

/// <summary>
/// A scratch folder that belongs to one live holder, in this process or another. Leftovers of a killed holder are told by their
/// lock being free, and are removed on the next entry or sweep. The folder goes when it is disposed.
/// </summary>
/// <remarks>
/// Lock files come and go only while <c>.locks/.gate</c> is held. Without it one process could lock a file that another has just
/// unlinked, and both would believe to be alone.
/// </remarks>
public sealed class LockedFolder : IDisposable
{
    private readonly string _parent;
    private readonly string _name;
    private readonly SafeFileHandle _lock;
    private bool _disposed;

    private LockedFolder(string parent, string name, SafeFileHandle held) =>
        (_parent, _name, _lock) = (parent, name, held);

    /// <summary>The folder; it exists and was empty on entry.</summary>
    public string FullPath => Path.Combine(_parent, _name);

    /// <summary>Enters the folder <paramref name="name"/> below <paramref name="parent"/>; null where another holder is alive.</summary>
    public static LockedFolder? TryEnter(string parent, string name)
    {
        SafeSegment.Check(name, nameof(name));
        SafeFileHandle? held;
        using (TakeGate(parent))
            held = FileLock.TryTake(LockPath(parent, name));
        if (held is null)
            return null;
        var folder = new LockedFolder(parent, name, held);
        try
        {
            folder.Empty();
            return folder;
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Removes what holders that are no longer alive left below <paramref name="parent"/>.</summary>
    public static void Sweep(string parent)
    {
        using var gate = TakeGate(parent);
        var names = Directory.GetDirectories(parent).Concat(Directory.GetFiles(LocksOf(parent))).Select(Path.GetFileName);
        foreach (var name in names.OfType<string>().Where(SafeSegment.IsSafe).Distinct())
        {
            using var held = FileLock.TryTake(LockPath(parent, name));
            if (held is null)
                continue;
            Remove(Path.Combine(parent, name));
            File.Delete(LockPath(parent, name));
        }
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        try
        {
            Remove(FullPath);
            using var gate = TakeGate(_parent);
            File.Delete(LockPath(_parent, _name));
        }
        finally
        {
            _lock.Dispose();
        }
    }

    private void Empty()
    {
        Remove(FullPath);
        Directory.CreateDirectory(FullPath);
    }

    private static void Remove(string folder)
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }

    private static SafeFileHandle TakeGate(string parent)
    {
        Directory.CreateDirectory(LocksOf(parent));
        return FileLock.Take(LockPath(parent, ".gate"));
    }

    private static string LocksOf(string parent) => Path.Combine(parent, ".locks");

    private static string LockPath(string parent, string name) => Path.Combine(LocksOf(parent), name);
}
