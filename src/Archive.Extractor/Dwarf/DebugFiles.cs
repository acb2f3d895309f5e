using Btf;
using Btf.Elf;
using ICSharpCode.SharpZipLib.Checksum;

namespace Archive.Extractor.Dwarf;

/// <summary>
/// The files beside an image that hold its DWARF: the one that <c>.gnu_debuglink</c> names, where the image was stripped,
/// and the supplementary one that dwz made. Each is looked for next to the image, as debuggers do, and taken only if it is
/// the one meant.
/// </summary>
internal sealed class DebugFiles : IDisposable
{
    private readonly ElfImage? _separate;

    private DebugFiles(ElfImage image, ElfImage? separate, ElfImage? supplementary) =>
        (Dwarf, _separate, Supplementary) = (separate ?? image, separate, supplementary);

    /// <summary>The image with the DWARF: the one asked about, or its separate debug file.</summary>
    public ElfImage Dwarf { get; }

    /// <summary>The supplementary file of <see cref="Dwarf"/>; null where it names none, or that is not at hand.</summary>
    public ElfImage? Supplementary { get; }

    /// <summary>An image that has its DWARF inside, or of which only the bytes are known.</summary>
    public static DebugFiles Only(ElfImage image) => new(image, null, null);

    /// <param name="path">Where the image was opened; its folder is searched, with <c>.debug</c> and <c>.dwz</c> in it.</param>
    /// <exception cref="UnsupportedImageException">A file of the right name is there, but belongs to another image.</exception>
    public static DebugFiles Find(ElfImage image, string path)
    {
        var folder = Path.GetDirectoryName(Path.GetFullPath(path))!;
        ElfImage? separate = null;
        try
        {
            if (image.Find(".debug_info") is not { HasBytes: true })
                separate = FindSeparate(image, folder);
            return new DebugFiles(image, separate, FindSupplementary(separate ?? image, folder));
        }
        catch
        {
            separate?.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _separate?.Dispose();
        Supplementary?.Dispose();
    }

    /// <summary><c>.gnu_debuglink</c>: a file name, padding to four bytes, and the CRC-32 of the whole file.</summary>
    private static ElfImage? FindSeparate(ElfImage image, string folder)
    {
        if (image.Find(".gnu_debuglink") is not { HasBytes: true } link)
            return null;
        var bytes = image.Read(link);
        var name = ElfImage.StringAt(link.Name, bytes, 0);
        var found = Candidates(Path.GetFileName(name), folder, ".debug").FirstOrDefault(File.Exists);
        if (found is null)
            return null;
        if (bytes.Length < 4)
            throw new ElfFormatException(link.Name, 0, (ulong)bytes.Length, "too short for its checksum");
        var wanted = image.Endian.U32(bytes.AsSpan(bytes.Length - 4));
        var actual = ChecksumOf(found);
        return actual == wanted ? ElfImage.Open(found)
            : throw new UnsupportedImageException($"the debug file '{found}' has the checksum {actual:x8}, the image wants {wanted:x8}");
    }

    private static ElfImage? FindSupplementary(ElfImage image, string folder)
    {
        if (SupplementaryLink.Find(image) is not { } link)
            return null;
        var found = Candidates(link.Path, folder, ".dwz").FirstOrDefault(File.Exists);
        if (found is null)
            return null;
        var supplementary = ElfImage.Open(found);
        var actual = ElfNotes.BuildId(supplementary);
        if (link.BuildId.Length == 0 || actual == link.BuildId)
            return supplementary;
        supplementary.Dispose();
        throw new UnsupportedImageException($"the supplementary file '{found}' has the build-id {actual ?? "none"}, the image wants {link.BuildId}");
    }

    /// <summary>A path of the image's maker is tried beside the image first: packages are read where they were unpacked.</summary>
    private static IEnumerable<string> Candidates(string name, string folder, string subfolder)
    {
        yield return Path.Combine(folder, Path.GetFileName(name));
        yield return Path.Combine(folder, subfolder, Path.GetFileName(name));
        yield return Path.GetFullPath(Path.Combine(folder, name));
    }

    private static uint ChecksumOf(string path)
    {
        var checksum = new Crc32();
        var buffer = new byte[1 << 16];
        using var file = File.OpenRead(path);
        for (int read; (read = file.Read(buffer)) > 0;)
            checksum.Update(new ArraySegment<byte>(buffer, 0, read));
        return (uint)checksum.Value;
    }
}
