using System.Text;

namespace Archive.Extractor.Packages;

/// <summary>
/// Headers of tars that are written as they are sent: POSIX ustar and nothing else (no pax, no GNU long names), owned by root, mode 0444, mtime 0.
/// </summary>
public static class UstarHeader
{
    /// <summary>Of a header; contents are padded to multiples of it, and two empty ones end an archive.</summary>
    public const int BlockBytes = TarHeader.Bytes;

    private const int NameBytes = 100, PrefixBytes = 155, PrefixAt = 345;

    /// <summary>The header of a regular file.</summary>
    /// <param name="path">ASCII; at most 100 bytes, or 155 and 100 around one of its slashes.</param>
    /// <exception cref="ValidationException">The path does not fit.</exception>
    public static byte[] Of(string path, long size)
    {
        var split = path.Length <= NameBytes ? -1 : path.IndexOf('/', Math.Max(0, path.Length - NameBytes - 1));
        if (path.Length > NameBytes && split is < 0 or > PrefixBytes)
            throw new ValidationException($"'{path}' is too long for a tar");
        var block = new byte[BlockBytes];
        TarHeader.Write(block, path[(split + 1)..], size); // The whole path where it is short enough.
        Array.Clear(block, 257, 8);
        "ustar\0"u8.CopyTo(block.AsSpan(257));
        "00"u8.CopyTo(block.AsSpan(263));
        Encoding.ASCII.GetBytes(path.AsSpan(0, Math.Max(0, split)), block.AsSpan(PrefixAt));
        TarHeader.Sign(block);
        return block;
    }

    /// <summary>Bytes of padding behind a content of this size.</summary>
    public static int Padding(long size) => (int)(-size & (BlockBytes - 1));
}
