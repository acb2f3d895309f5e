using System.Buffers;
using System.Text.RegularExpressions;

namespace Archive.Store.Kernels;

/// <summary>A distro that a kernel's own words point to.</summary>
/// <param name="Version">Canonical; null where the words do not tell.</param>
/// <param name="Reason">The words, for a person who asks why.</param>
public sealed record DistroHint(string Distro, string? Version, string Reason);

/// <summary>
/// Which distros build kernels with such a release or such a <c>/proc/version</c>. Three levels by weight: what the text around
/// the release states, what the release's own tag states, and what a series of releases is known to belong to. The heaviest level
/// with an answer names the distros; a version comes from the heaviest level that has one for its distro.
/// </summary>
internal static class DistroHints
{
    private const string UbuntuFlavours = "generic|lowlatency|aws|azure|gcp|gke|gkeop|oracle|ibm|kvm|raspi2?|oem|nvidia|fips|intel-iotg|virtual";
    private const string DebianFlavours = "amd64|arm64|arm64-16k|686|686-pae|armmp|armmp-lpae|s390x|powerpc64le|riscv64|loong64|marvell|rpi";

    /// <summary>The builder's address and the build's own version.</summary>
    private static readonly Level Statements = new([
        new("debian", @"~bpo(?<v>\d+)\+"),
        new("debian", @"[+~]deb(?<v>\d+)u\d"),
        new("debian", @"debian-kernel@lists\.debian\.org"),
        new("debian", @"\bDebian \d"),
        new("ubuntu", @"~(?<v>\d\d\.\d\d)\S*-Ubuntu\b"),
        new("ubuntu", @"ubuntu[\d.]*~(?<v>\d\d\.\d\d)"),
        new("ubuntu", @"#\d\S*-Ubuntu\b"),
        new("ubuntu", @"\(Ubuntu \d"),
        new("centos", @"@\S*\bcentos\.org"),
        new("rocky", @"@\S*\brockylinux\.org"),
        new("almalinux", @"@\S*\balmalinux\.org"),
        new("ol", @"@\S*\boracle\.com"),
        new("fedora", @"@\S*\bfedoraproject\.org"),
        new("rhel", @"@\S*\bredhat\.com"),
    ]);

    /// <summary>What packagers put into the release. RHEL's rebuilds tag their kernels as RHEL does; likeliest first.</summary>
    private static readonly Level Tags = new([
        new("amzn", @"\.amzn(?<v>1|2|2023)\b"),
        new("ol", @"\.el(?<v>\d+)uek\b"),
        new("centos", @"\.el(?<v>\d+)\.centos\b"),
        new("rhel centos rocky almalinux ol", @"\.el(?<v>\d+)(_\d+)?([.+]([^c].*)?)?$"),
        new("fedora", @"\.fc(?<v>\d+)\b"),
        new("debian", @"[.+~]deb(?<v>\d+)\b"),
        new("debian", @"\bbpo\b"),
        new("opensuse-leap", @"-lp15(?<v>\d)\.", v => $"15.{v}"),
        new("sles", @"-150000\.", _ => "15"),
        new("sles", @"-150(?<v>[1-9])00\.", v => $"15.{v}"),
        new("opensuse-leap", @"-150(?<v>[3-6])00\.", v => $"15.{v}"),
        new("anolis", @"\.an(?<v>\d+)\b"),
        new("alinux", @"\.al7\b", _ => "2"),
        new("alinux", @"\.al8\b", _ => "3"),
        new("openEuler", @"\.oe1\b", _ => "20.03"),
        new("openEuler", @"\.oe(?<v>\d{4})(sp\d)?\b", v => $"{v[..2]}.{v[2..]}"),
        new("kylin", @"\.ky(?<v>\d+)\b", v => $"v{v}"),
        new("photon", @"\.ph(?<v>\d)\b", v => $"{v}.0"),
        new("azurelinux", @"\.(cm|azl)(?<v>\d)\b", v => $"{v}.0"),
    ]);

    /// <summary>Series that a release of a distro stays on for its life, with Ubuntu's hardware enablement kernels after the release's own.</summary>
    private static readonly Level Series = new([
        Debian("4.9.0", "9"),
        Debian("4.19.0", "10"),
        Debian("5.10.0", "11"),
        Debian("6.1.0", "12"),
        new("debian", $@"^\d+\.\d+\.\d+(-\d+)?(-cloud|-rt)?-({DebianFlavours})$"),
        Ubuntu("4.4.0", "16.04"),
        Ubuntu("4.15.0", "18.04"),
        Ubuntu("4.15.0", "16.04"),
        Ubuntu("5.4.0", "20.04"),
        Ubuntu("5.4.0", "18.04"),
        Ubuntu("5.15.0", "22.04"),
        Ubuntu("5.15.0", "20.04"),
        Ubuntu("6.8.0", "24.04"),
        Ubuntu("6.8.0", "22.04"),
        new("ubuntu", $@"^\d+\.\d+\.\d+-\d+-({UbuntuFlavours})\b"),
        Suse(@"4\.4\.\d+-9[245]", "12.3"),
        Suse(@"4\.12\.14-9[45]", "12.4"),
        Suse(@"4\.12\.14-122", "12.5"),
        Suse(@"4\.12\.14-(23|25|150)", "15"),
        Suse(@"4\.12\.14-19[57]", "15.1"),
        Suse(@"5\.3\.18-2[24]", "15.2"),
        Suse(@"5\.3\.18-5[79]", "15.3"),
        new("opensuse-tumbleweed", @"^([6-9]|\d\d)\.\d+\.\d+-\d+(\.\d+)?-default$"),
        new("sles", "-default$"),
    ]);

    public static IReadOnlyList<DistroHint> Of(string release, string text)
    {
        List<DistroHint>[] levels = [Statements.Matches(text), Tags.Matches(release), Series.Matches(release)];
        var heaviest = Array.Find(levels, static level => level.Count > 0);
        if (heaviest is null)
            return [];
        if (heaviest.Count == 1 && levels.All(level => level == heaviest || level.Count == 0))
            return heaviest; // As nearly always.
        return [.. heaviest.Select(hint => hint.Distro).Distinct().SelectMany(distro => OfDistro(distro, levels))];
    }

    private static IEnumerable<DistroHint> OfDistro(string distro, List<DistroHint>[] levels)
    {
        var ofDistro = levels.Select(level => level.FindAll(hint => hint.Distro == distro)).ToArray();
        var versioned = ofDistro.Select(level => level.FindAll(hint => hint.Version is not null)).FirstOrDefault(level => level.Count > 0);
        return versioned?.DistinctBy(hint => hint.Version) ?? ofDistro.SelectMany(level => level).Take(1);
    }

    private static Rule Debian(string series, string version) =>
        new("debian", $@"^{Regex.Escape(series)}-\d+(-cloud|-rt)?-({DebianFlavours})$", _ => version);

    private static Rule Ubuntu(string series, string version) =>
        new("ubuntu", $@"^{Regex.Escape(series)}-\d+-({UbuntuFlavours})\b", _ => version);

    private static Rule Suse(string series, string version) => new("sles", $@"^{series}\..*-(default|azure|rt)$", _ => version);

    /// <summary>Rules of one weight.</summary>
    private sealed class Level(Rule[] rules)
    {
        /// <summary>As a rule none is there: one search tells so for all rules.</summary>
        private readonly SearchValues<string> _words = SearchValues.Create([.. rules.Select(rule => rule.Word)], StringComparison.Ordinal);

        public List<DistroHint> Matches(string text)
        {
            var hints = new List<DistroHint>();
            if (!text.AsSpan().ContainsAny(_words))
                return hints;
            foreach (var rule in rules)
            {
                if (text.Contains(rule.Word, StringComparison.Ordinal))
                    rule.AddMatches(text, hints);
            }
            return hints;
        }
    }

    /// <param name="distros">Canonical, with blanks between them.</param>
    /// <param name="pattern">Its group <c>v</c>, where it has one, is the version.</param>
    /// <param name="version">Tells the version where the group is no version itself.</param>
    private sealed class Rule(string distros, string pattern, Func<string, string>? version = null)
    {
        private const string Special = "^$.|?*+()[]{}";

        private Regex? _pattern;

        private readonly string[] _distros = distros.Split(' ');

        /// <summary>Users' text meets these, so they must not backtrack. Made when first needed: all of them together would take a tenth of a cold start.</summary>
        private Regex Pattern => _pattern ??= new Regex(pattern, RegexOptions.ExplicitCapture | RegexOptions.NonBacktracking);

        /// <summary>Is in whatever the rule matches. Hardly any rule matches, and a search for its longest word costs a hundredth of what its automaton does.</summary>
        public string Word { get; } = LiteralOf(pattern);

        public void AddMatches(string text, List<DistroHint> hints)
        {
            // Whether it matches at all costs a fraction of where.
            if (!Pattern.IsMatch(text))
                return;
            var match = Pattern.Match(text);
            var written = match.Groups["v"].Value;
            foreach (var distro in _distros)
                hints.Add(new DistroHint(distro, KernelNames.Version(distro, version?.Invoke(written) ?? written), match.Value.Trim()));
        }

        /// <summary>The longest text that is in whatever the pattern matches: a run of plain characters outside groups and classes, none of them repeated.</summary>
        private static string LiteralOf(string pattern)
        {
            var (longest, run, depth) = ("", "", 0);
            for (var i = 0; i < pattern.Length; i++)
            {
                var isEscaped = pattern[i] == '\\';
                var c = isEscaped ? pattern[++i] : pattern[i];
                depth += isEscaped ? 0 : c is '(' or '[' ? 1 : c is ')' or ']' ? -1 : 0;
                var isPlain = depth == 0 && (isEscaped ? !char.IsAsciiLetterOrDigit(c) : !Special.Contains(c));
                var isRepeated = i + 1 < pattern.Length && pattern[i + 1] is '?' or '*' or '+' or '{';
                run = isPlain && !isRepeated ? run + c : "";
                longest = run.Length > longest.Length ? run : longest;
            }
            return longest;
        }
    }
}
