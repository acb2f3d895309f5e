using System.Text.RegularExpressions;
using Archive.Crawler.Sources;
using Archive.Extractor;

namespace Archive.Crawler.Runs;

/// <summary>What a crawl is to look for. Empty lists mean the source's defaults: the host's release and arch.</summary>
public sealed record CrawlRequest
{
    /// <summary>Stands for all releases, archs or flavours.</summary>
    public const string All = "all";

    public string Source { get; init; } = "debian";

    /// <summary>Codenames or versions.</summary>
    public IReadOnlyList<string> Releases { get; init; } = [];

    /// <summary>Archs by any name.</summary>
    public IReadOnlyList<string> Arches { get; init; } = [];

    /// <summary>Such as <c>cloud</c> and <c>generic</c>; none for the source's default.</summary>
    public IReadOnlyList<string> Flavours { get; init; } = [];

    /// <summary>Newest builds for each release, arch and flavour.</summary>
    public int Newest { get; init; } = 1;

    /// <summary>Only these unames, by * and ?.</summary>
    public string? UnamePattern { get; init; }

    /// <summary>Try failed builds again, whatever their retry time.</summary>
    public bool RetryFailed { get; init; }

    public BtfSource BtfSource { get; init; } = BtfSource.Auto;

    /// <summary>Only kernels in packages of this grade; null for the source's order of preference.</summary>
    public PackageGrade? Grade { get; init; }

    /// <summary>Take signed indexes past their time too; it is noted in the provenance.</summary>
    public bool AllowExpired { get; init; }

    /// <summary>Publish the modules' split BTF too.</summary>
    public bool Modules { get; init; } = true;

    /// <summary>Mirrors to use instead of the host's and the source's.</summary>
    public MirrorOverride Mirrors { get; init; } = MirrorOverride.None;

    internal bool WantsUname(string uname) => UnamePattern is null || Regex.IsMatch(
        uname, "^" + Regex.Escape(UnamePattern).Replace("\\*", ".*", StringComparison.Ordinal).Replace("\\?", ".", StringComparison.Ordinal) + "$",
        RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    /// <summary>Image packages have no DWARF.</summary>
    internal bool WantsGrade(PackageGrade grade) =>
        grade != PackageGrade.Modules && (Grade is null || grade == Grade) && (BtfSource != BtfSource.Dwarf || grade == PackageGrade.Debug);
}

/// <summary>A private mirror: base URLs and the keyring that its indexes are signed with.</summary>
public sealed record MirrorOverride(IReadOnlyList<Uri> Main, IReadOnlyList<Uri> Security, string? Keyring)
{
    public static MirrorOverride None { get; } = new([], [], null);

    /// <summary>The override's mirrors of a group; a private mirror without security suites of its own has them all under one URL.</summary>
    public IReadOnlyList<Uri> Of(string group) => group == "security" && Security.Count > 0 ? Security : Main;

    /// <summary>A private mirror that was given without one for this group need not carry its suites.</summary>
    public bool LacksGroup(string group) => Main.Count > 0 && group == "security" && Security.Count == 0;
}
