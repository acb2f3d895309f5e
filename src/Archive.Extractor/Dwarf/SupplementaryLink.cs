using System.Text;
using Btf.Elf;

namespace Archive.Extractor.Dwarf;

/// <summary>
/// The file that dwz moved common DIEs and strings to, as an image names it: <c>.gnu_debugaltlink</c> holds its path and
/// build-id, <c>.debug_sup</c> (DWARF 5 §7.3.6) a version, a flag, its path and a checksum.
/// </summary>
/// <param name="Path">Absolute, or relative to the folder of the image.</param>
/// <param name="BuildId">Hexadecimal; empty where it is not stated.</param>
internal sealed record SupplementaryLink(string Path, string BuildId)
{
    public static SupplementaryLink? Find(ElfImage image)
    {
        if (image.Find(".gnu_debugaltlink") is { HasBytes: true } link)
        {
            var bytes = image.Read(link);
            var path = ElfImage.BytesAt(link.Name, bytes, 0);
            return new SupplementaryLink(Encoding.UTF8.GetString(path), Convert.ToHexStringLower(bytes.AsSpan(path.Length + 1)));
        }
        if (image.Find(".debug_sup") is { HasBytes: true, Size: > 3 } sup)
        {
            var bytes = image.Read(sup);
            return bytes[2] != 0 ? null : new SupplementaryLink(ElfImage.StringAt(sup.Name, bytes, 3), "");
        }
        return null;
    }
}
