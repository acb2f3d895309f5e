using System.Text.RegularExpressions;

namespace Archive.Extractor.Packages;

/// <summary>Where distros' packages keep the uncompressed kernel image, and the uname in that path.</summary>
public static partial class KernelImageNames
{
    /// <summary>The uname release in the path of a kernel image; null where the path is not one.</summary>
    public static string? UnameOf(string entry) =>
        Pattern().Match(entry) is { Success: true } match ? match.Groups["uname"].Value : null;

    [GeneratedRegex(
        @"^(\.?/)?((usr/lib/debug/)?boot/vmlinux-(?<uname>[\w.+~-]+?)(\.debug)?|usr/lib/debug/(usr/)?lib/modules/(?<uname>[\w.+~-]+)/vmlinux)\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Pattern();
}
