using System.Text.RegularExpressions;

namespace Archive.Extractor.Packages;

/// <summary>
/// Where distros' packages keep the kernel: the vmlinux of debug packages, and the boot image of image packages, which is
/// named after neither its form nor its compression (Debian's vmlinux of riscv64 is an Image). The uname is in that path.
/// </summary>
public static partial class KernelImageNames
{
    /// <summary>The uname release in the path of a kernel image; null where the path is not one.</summary>
    public static string? UnameOf(string entry) =>
        Pattern().Match(entry) is { Success: true } match ? match.Groups["uname"].Value : null;

    [GeneratedRegex(
        @"^(\.?/)?((usr/lib/debug/)?boot/vmlinux-(?<uname>[\w.+~-]+?)(\.debug)?"
        + @"|usr/lib/debug/(usr/)?lib/modules/(?<uname>[\w.+~-]+)/vmlinux(-\k<uname>)?(\.debug)?"
        + @"|boot/(vmlinuz|z?Image|image)-(?<uname>[\w.+~-]+)"
        + @"|(usr/)?lib/modules/(?<uname>[\w.+~-]+)/(vmlinuz|z?Image|image))\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture,
        matchTimeoutMilliseconds: 1000)]
    private static partial Regex Pattern();
}
