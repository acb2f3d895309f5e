using System.Buffers;
using System.Text.RegularExpressions;

namespace Archive.Store.Kernels;

/// <summary>
/// What a user pastes to say which kernel it is: a bare <c>uname -r</c>, a whole <c>uname -a</c>, <c>/proc/version</c> or the first
/// line of dmesg.
/// </summary>
public sealed record UnameText
{
    /// <summary>Longer texts are cut; the longest <c>/proc/version</c> is a few hundred characters.</summary>
    private const int MaxLength = 4096;

    private static readonly SearchValues<char> Around = SearchValues.Create(" \t\r\n\"'%");

    private const RegexOptions Linear = RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking;

    private static readonly Regex KernelRelease = new(@"^\d+\.\d+([.+~_-][0-9A-Za-z.+~_-]*)?$", Linear);

    private static readonly Regex ReleaseArch = new(
        @"([._](?<arch>x86_64|aarch64|s390x|ppc64le|riscv64|i[3-6]86|armv7hl|armv7l)(\+[0-9a-z-]+|\.debug)?"
        + @"|-(?<arch>amd64|arm64|s390x|powerpc64le|riscv64|armmp|686|586|i386)(-lpae|-pae|-16k|-64k)?)$", Linear);

    private static readonly Regex Machine = new(@"^(x86_64|amd64|aarch64|arm64|s390x|ppc64le|riscv64|i[3-6]86|armv[5-8][a-z]*)$", Linear);

    private static readonly Regex CompilerTriple = new(
        @"\b(?<arch>x86_64|aarch64|s390x|powerpc64le|riscv64|i[3-6]86)(-[a-z0-9_]+)?-linux", Linear);

    /// <summary>What <c>uname -r</c> prints.</summary>
    public required string Release { get; init; }

    /// <summary>Canonical arch: the release's suffix where it has one, since that is the kernel's own word; null where nothing tells.</summary>
    public string? Arch { get; init; }

    /// <summary>Distros that come into question, likeliest first; empty where nothing points to one.</summary>
    public required IReadOnlyList<DistroHint> Hints { get; init; }

    /// <summary>Reads the text; null where there is no kernel release in it.</summary>
    public static UnameText? Parse(string text)
    {
        if (IsWord(text))
            return IsRelease(text) ? Of(text, ArchOfRelease(text), text) : null;
        text = text[..Math.Min(text.Length, MaxLength)];
        var words = text.Replace("%22", "\"", StringComparison.Ordinal)
            .Split([' ', '\t', '\r', '\n', '"', '\''], StringSplitOptions.RemoveEmptyEntries);
        return FindRelease(words) is { } release ? Of(release, ArchOfRelease(release) ?? ArchOfMachine(words) ?? ArchOfCompiler(text), text) : null;
    }

    private static UnameText Of(string release, string? arch, string text) => new() { Release = release, Arch = arch, Hints = DistroHints.Of(release, text) };

    /// <summary>Nothing around a release, and nothing to strip: what nearly all programs send.</summary>
    private static bool IsWord(string text) => text.Length <= MaxLength && !text.AsSpan().ContainsAny(Around);

    private static bool IsRelease(string word) => KernelRelease.IsMatch(word) && SafeSegment.IsSafe(word);

    /// <summary>The canonical arch that the release ends in (<c>…el8.x86_64</c>, <c>…-cloud-amd64</c>), or null.</summary>
    public static string? ArchOfRelease(string release) => ArchIn(ReleaseArch, release);

    /// <summary>
    /// <c>Linux HOST RELEASE …</c> and <c>Linux version RELEASE …</c> have it third, and a host's name may look like a release too;
    /// <c>uname -sr</c> has it second.
    /// </summary>
    private static string? FindRelease(string[] words)
    {
        var linux = Array.IndexOf(words, "Linux");
        var candidates = linux < 0 ? words : words.Skip(linux + 2).Take(1).Concat(words.Skip(linux + 1));
        return candidates.FirstOrDefault(IsRelease);
    }

    /// <summary>The machine stands last in <c>uname -a</c>, behind the build's number and time, and a host may be named after one.</summary>
    private static string? ArchOfMachine(string[] words) => KernelNames.Arch(words.LastOrDefault(word => Machine.IsMatch(word)));

    /// <summary><c>/proc/version</c> names no machine, but newer kernels' compilers do: <c>(x86_64-linux-gnu-gcc-12 …</c>.</summary>
    private static string? ArchOfCompiler(string text) => ArchIn(CompilerTriple, text);

    private static string? ArchIn(Regex pattern, string text) =>
        pattern.Match(text) is { Success: true } match ? KernelNames.Arch(match.Groups["arch"].Value) : null;
}
