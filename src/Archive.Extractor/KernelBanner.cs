using System.Text;
using Btf.Elf;

namespace Archive.Extractor;

/// <summary>
/// <c>linux_banner</c>: the text of <c>/proc/version</c> inside the image, "Linux version RELEASE (builder) (compiler) …".
/// The release in it is what <c>uname -r</c> prints, whatever the package calls itself.
/// </summary>
public static class KernelBanner
{
    private const int MaxLength = 1024;

    private static ReadOnlySpan<byte> Start => "Linux version "u8;

    /// <summary>The banner without its line feed; null where the image has none (a split debug file, or no kernel).</summary>
    public static string? Find(ElfImage image) => AtSymbol(image, ElfSymbols.Read(image)) ?? InReadOnlyData(image);

    /// <summary>The word behind "Linux version".</summary>
    public static string ReleaseOf(string banner) => banner.Split(' ', 4)[2];

    /// <summary>The banner where the symbol table says that it is; null where it does not, or the image has no bytes there.</summary>
    /// <param name="symbols">Of the image.</param>
    internal static string? AtSymbol(ElfImage image, ElfSymbols? symbols)
    {
        for (var i = 0; i < (symbols?.Count ?? 0); i++)
        {
            var symbol = symbols![i];
            if (symbol.Type == ElfSymbolType.Object && symbols.NameOf(symbol).SequenceEqual("linux_banner"u8))
                return ReadAt(image, symbol);
        }
        return null;
    }

    private static string? ReadAt(ElfImage image, ElfSymbol symbol)
    {
        if (symbol.SectionIndex >= image.Sections.Count || image.Sections[symbol.SectionIndex] is not { HasBytes: true } section)
            return null;
        // In a relocatable image the value counts from the section, not from its address (0 there).
        var offset = (long)(symbol.Value - section.Address);
        if (offset < 0 || offset >= section.Size)
            return null;
        var bytes = new byte[Math.Min(MaxLength, section.Size - offset)];
        image.Read(section, offset, bytes);
        return Parse(bytes);
    }

    /// <summary>For stripped images.</summary>
    private static string? InReadOnlyData(ElfImage image)
    {
        if (image.Find(".rodata") is not { HasBytes: true, Size: < 1 << 28 } section)
            return null;
        return Find(image.Read(section));
    }

    /// <summary>
    /// The banner in a stretch of memory; format strings are passed over. Since 6.1 a kernel has it twice, the first time
    /// weak and without the build's number behind the "#" (<c>init/version.c</c>, <c>init/version-timestamp.c</c>).
    /// </summary>
    internal static string? Find(ReadOnlySpan<byte> memory)
    {
        string? first = null;
        while (memory.IndexOf(Start) is >= 0 and var at)
        {
            memory = memory[at..];
            if (Parse(memory) is { } banner)
            {
                if (!banner.Contains(" # ", StringComparison.Ordinal))
                    return banner;
                first ??= banner;
            }
            memory = memory[Start.Length..];
        }
        return first;
    }

    private static string? Parse(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.StartsWith(Start))
            return null;
        var end = bytes[..Math.Min(bytes.Length, MaxLength)].IndexOf((byte)0);
        if (end < 0)
            return null;
        var text = Encoding.UTF8.GetString(bytes[..end]).TrimEnd('\n');
        return text.Split(' ').Length > 3 && text[Start.Length] != '%' ? text : null;
    }
}
