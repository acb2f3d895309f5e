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

    /// <summary>A temporary file in <paramref name="folder"/> for the image, which <paramref name="fill"/> writes.</summary>
    /// <exception cref="IOException">The disk is full or failing.</exception>
    internal static SpooledImage Create(string folder, PackedFile image, string uname, IReadOnlyList<string> config, Action<SpooledImage> fill)
    {
        var spooled = new SpooledImage(NamelessFile.Create(folder, image.Size), image.Name, uname) { Config = config };
        try
        {
            fill(spooled);
            return spooled;
        }
        catch
        {
            spooled.Dispose();
            throw;
        }
    }

    /// <summary>Copies the content from where it stands to the image's bytes from <paramref name="position"/> on.</summary>
    /// <param name="end">Where to stop before the content ends.</param>
    /// <param name="copied">Told of every step; may throw.</param>
    /// <returns>The position behind what was copied.</returns>
    internal long Write(Stream content, long position, long end, Action<long> copied)
    {
        var buffer = GC.AllocateUninitializedArray<byte>((int)Math.Min(CopyBytes, end - position));
        while (position < end)
        {
            var step = buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - position));
            var count = content.ReadAtLeast(step, step.Length, throwOnEndOfStream: false);
            if (count == 0)
                break;
            RandomAccess.Write(_file.SafeFileHandle, step[..count], position);
            position += count;
            copied(count);
        }
        return position;
    }

    public void Dispose() => _file.Dispose();
}
