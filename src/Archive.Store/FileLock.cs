using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Archive.Store;

/// <summary>
/// An exclusive lock on a file (<c>flock(2)</c>), held until disposed. The operating system drops it when its holder ends, kill -9 included,
/// so that a lock that can be taken belongs to nobody alive. It is not left to .NET, which our programs forbid to lock whatever they open.
/// </summary>
internal static partial class FileLock
{
    private const int WouldBlock = 11;
    private const int ReadWriteCreateCloseOnExec = 0x80042, OwnerReadsAndWrites = 0x180;
    private const int ExclusiveNonBlocking = 6;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <summary>The lock, or null where another holder is alive.</summary>
    /// <exception cref="IOException">The file cannot be opened, or its file system knows no locks.</exception>
    public static SafeFileHandle? TryTake(string path)
    {
        var file = open(path, ReadWriteCreateCloseOnExec, OwnerReadsAndWrites);
        if (!file.IsInvalid && flock(file, ExclusiveNonBlocking) == 0)
            return file;
        var error = new Win32Exception(Marshal.GetLastPInvokeError());
        var isHeld = !file.IsInvalid && error.NativeErrorCode == WouldBlock;
        file.Dispose();
        return isHeld ? null : throw new IOException($"lock {path}: {error.Message}", error);
    }

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

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(SafeFileHandle file, int operation);
}
