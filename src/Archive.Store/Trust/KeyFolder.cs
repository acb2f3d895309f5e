namespace Archive.Store.Trust;

/// <summary>The folder <c>keys</c> of a data directory, which replicas share: who makes something in it holds its lock, and nothing half-written is ever seen.</summary>
public sealed class KeyFolder(string dataDirectory)
{
    private readonly string _path = Directory.CreateDirectory(Path.Combine(dataDirectory, "keys")).FullName;

    public string PathOf(string name) => Path.Combine(_path, name);

    /// <summary>Waits for the lock; held until disposed.</summary>
    public IDisposable Lock() => FileLock.Take(PathOf(".lock"));

    /// <summary>Writes a file whole, or not at all. The caller holds the lock.</summary>
    public static void Write(string path, ReadOnlySpan<byte> bytes, UnixFileMode mode)
    {
        var staged = path + ".tmp";
        File.Delete(staged);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = mode;
        using (var file = new FileStream(staged, options))
        {
            file.Write(bytes);
            file.Flush(flushToDisk: true);
        }
        File.Move(staged, path, overwrite: true);
    }
}
