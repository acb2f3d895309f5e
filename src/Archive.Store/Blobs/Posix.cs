using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Archive.Store.Blobs;

/// <summary>The calls of libc that a durable folder store needs and .NET does not offer.</summary>
internal static partial class Posix
{
    private const int NoEntry = 2;
    private const int Exists = 17;
    private const int WouldBlock = 11;
    private const int ReadOnlyCloseOnExec = 0x80000, ReadWriteCreateCloseOnExec = 0x80042;
    private const int ExclusiveNonBlocking = 6;

    /// <summary>rw-rw-rw-, less what the process's umask takes away.</summary>
    private const int AsUmaskAllows = 0x1b6;

    /// <summary>Gives the file a second name; false where <paramref name="target"/> is taken. The kernel decides between racers.</summary>
    public static bool Link(string source, string target)
    {
        if (link(source, target) == 0)
            return true;
        return Marshal.GetLastPInvokeError() == Exists ? false : throw LastError("link", target);
    }

    /// <summary>Removes the name; false where it was not there.</summary>
    public static bool Unlink(string path)
    {
        if (unlink(path) == 0)
            return true;
        return Marshal.GetLastPInvokeError() == NoEntry ? false : throw LastError("unlink", path);
    }

    /// <summary>Makes the names in the folder survive a power cut, as fsync(2) asks for: syncing a file does not sync its name.</summary>
    public static void SyncFolder(string path)
    {
        var descriptor = open(path, ReadOnlyCloseOnExec, 0);
        if (descriptor < 0)
            throw LastError("open", path);
        var error = fsync(descriptor) == 0 ? null : LastError("fsync", path);
        _ = close(descriptor);
        if (error is not null)
            throw error;
    }

    /// <summary>Creates the file where it is not there, and locks it until the handle is closed; null where another has it locked.</summary>
    public static SafeFileHandle? TryLock(string path)
    {
        var descriptor = open(path, ReadWriteCreateCloseOnExec, AsUmaskAllows);
        if (descriptor < 0)
            throw LastError("open", path);
        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        if (flock(descriptor, ExclusiveNonBlocking) == 0)
            return file;
        var error = Marshal.GetLastPInvokeError() == WouldBlock ? null : LastError("flock", path);
        file.Dispose();
        return error is null ? null : throw error;
    }

    private static IOException LastError(string call, string path)
    {
        var error = new Win32Exception(Marshal.GetLastPInvokeError());
        return new IOException($"{call} {path}: {error.Message}", error);
    }

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int link(string source, string target);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int unlink(string path);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(int descriptor, int operation);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(int descriptor);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int descriptor);
}
