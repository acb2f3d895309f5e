using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using Archive.Extractor.Packages;
using Btf.Elf;

namespace Archive.Extractor.Inventory;

/// <summary>
/// How a kernel was configured: the file that distros pack beside it, or what <c>CONFIG_IKCONFIG</c> puts into the image
/// (<c>kernel/configs.c</c>: gzip between two markers).
/// </summary>
public static partial class KernelConfig
{
    /// <summary>A distro's has some 300 KB.</summary>
    public const int MaxBytes = 4 << 20;

    private static ReadOnlySpan<byte> Start => "IKCFG_ST"u8;

    /// <summary>Whether a file of a package is the config of its kernel.</summary>
    public static bool IsConfig(PackedFile file) => file.Size <= MaxBytes && FileName().IsMatch(file.Name);

    /// <summary>The options that are set, as <c>CONFIG_BPF=y</c>, in ordinal order.</summary>
    public static IReadOnlyList<string> Read(Stream text)
    {
        using var reader = new StreamReader(text, Encoding.UTF8, leaveOpen: true);
        var options = new SortedSet<string>(StringComparer.Ordinal);
        while (reader.ReadLine() is { } line)
        {
            if (Option().IsMatch(line))
                options.Add(line);
        }
        return [.. options];
    }

    /// <summary>The options in the image itself; none where it does not have them.</summary>
    public static IReadOnlyList<string> Read(ElfImage image)
    {
        if (image.Find(".rodata") is not { HasBytes: true } section)
            return [];
        var bytes = image.Read(section);
        var start = bytes.AsSpan().IndexOf(Start);
        if (start < 0)
            return [];
        try
        {
            using var gzip = new GZipStream(new MemoryStream(bytes, start + Start.Length, bytes.Length - start - Start.Length, writable: false), CompressionMode.Decompress);
            var text = new byte[MaxBytes];
            return Read(new MemoryStream(text, 0, gzip.ReadAtLeast(text, text.Length, throwOnEndOfStream: false), writable: false));
        }
        catch (InvalidDataException)
        {
            return []; // The marker's bytes without a config behind them.
        }
    }

    [GeneratedRegex(@"^(\.?/)?(boot/config-[\w.+~-]+|(usr/)?lib/modules/[\w.+~-]+/config)\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex FileName();

    [GeneratedRegex(@"^CONFIG_\w{1,100}=[^\x00-\x1f]{1,4000}\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Option();
}
