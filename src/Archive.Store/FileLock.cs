namespace Archive.Store;

/// <summary>
/// An exclusive lock on a file, held until disposed. It is flock(2), which .NET takes for <see cref="FileShare.None"/>:
/// the operating system drops it when its holder ends, kill -9 included, so that a lock that can be taken belongs to nobody alive.
/// </summary>
internal static class FileLock
{
    private const int WouldBlock = 11;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    /// <summary>The lock, or null where another holder is alive.</summary>
    public static FileStream? TryTake(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            return null;
        }
    }

    /// <summary>Waits for a lock that is only ever held for moments.</summary>
    /// <exception cref="IOException">It was not to be had within a minute.</exception>
    public static FileStream Take(string path)
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
