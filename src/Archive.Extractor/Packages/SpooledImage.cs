namespace Archive.Extractor.Packages;

/// <summary>
/// A kernel image in a temporary file without a name (<see cref="NamelessFile"/>); <see cref="Path"/> leads to it through the
/// open handle, for this process only.
/// </summary>
public sealed class SpooledImage : IDisposable
{
    private const int CopyBytes = 1 << 20;
    private readonly FileStream _file;

    private SpooledImage(FileStream file, string entry, string uname)
    {
        _file = file;
        Entry = entry;
        Uname = uname;
    }

    /// <summary>Opens the image for as long as this object lives.</summary>
    public string Path => OperatingSystem.IsLinux() ? $"/proc/self/fd/{_file.SafeFileHandle.DangerousGetHandle()}" : _file.Name;

    /// <summary>The image's name in its package.</summary>
    public string Entry { get; }

    /// <summary>The uname release in that name.</summary>
    public string Uname { get; }

    public long Size => _file.Length;

    /// <summary>The config that the package has before the image (<see cref="Inventory.KernelConfig"/>); empty where it has none there.</summary>
    public IReadOnlyList<string> Config { get; private init; } = [];

    /// <summary>Copies the image's content to a temporary file in <paramref name="folder"/>.</summary>
    /// <exception cref="IOException">The disk is full or failing.</exception>
    internal static SpooledImage Create(string folder, PackedFile image, string uname, IReadOnlyList<string> config, Action<long> copied)
    {
        var spooled = new SpooledImage(NamelessFile.Create(folder, image.Size), image.Name, uname) { Config = config };
        try
        {
            spooled.Fill(image.Content, copied);
            return spooled;
        }
        catch
        {
            spooled.Dispose();
            throw;
        }
    }

    public void Dispose() => _file.Dispose();

    private void Fill(Stream content, Action<long> copied)
    {
        var buffer = GC.AllocateUninitializedArray<byte>(CopyBytes);
        for (int count; (count = content.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false)) > 0; copied(count))
            _file.Write(buffer, 0, count);
    }
}
