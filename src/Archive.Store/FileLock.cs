using Archive.Store.Blobs;
using Microsoft.Win32.SafeHandles;

namespace Archive.Store;

/// <summary>
/// An exclusive lock on a file (<c>flock(2)</c>), held until disposed. The operating system drops it when its holder ends, kill -9 included,
/// so that a lock that can be taken belongs to nobody alive. It is not left to .NET, which our programs forbid to lock whatever they open.
/// </summary>
internal static class FileLock
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <summary>The lock, or null where another holder is alive.</summary>
    /// <exception cref="IOException">The file cannot be opened, or its file system knows no locks.</exception>
    public static SafeFileHandle? TryTake(string path) => Posix.TryLock(path);

    /// <summary>Waits for a lock that is only ever held for moments.</summary>
    /// <exception cref="IOException">It was not to be had within a minute.</exception>
    public static SafeFileHandle Take(string path)
    {
        for (var waited = TimeSpan.Zero; waited < Patience; waited += Pause)
        {
            if (TryTake(path) is { } held)
                return held;
            Thread.Sleep(Pause);
        }
        throw new IOException($"{path} is held by another process");
    }
}
