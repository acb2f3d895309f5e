namespace Archive.Extractor.Packages;

/// <summary>
/// A temporary file that loses its name as soon as it is made, so that nothing is left of it however the process ends. Where
/// the system cannot do that, it is deleted when closed.
/// </summary>
internal static class NamelessFile
{
    /// <param name="size">Bytes to be sure of: a full disk is told here, before the work.</param>
    /// <exception cref="IOException">The disk is full or failing.</exception>
    public static FileStream Create(string folder, long size)
    {
        var file = new FileStream(Path.Combine(folder, $"spool-{Guid.NewGuid():n}.tmp"), new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = 0,
            Options = OperatingSystem.IsLinux() ? FileOptions.None : FileOptions.DeleteOnClose,
            PreallocationSize = size,
        });
        if (OperatingSystem.IsLinux())
            File.Delete(file.Name);
        return file;
    }
}
