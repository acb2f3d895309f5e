using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Archive.Crawler.Sources;

/// <summary>What of a kernel a package holds.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PackageGrade>))]
public enum PackageGrade
{
    /// <summary>The vmlinux with its DWARF, and as a rule the modules with theirs.</summary>
    [JsonStringEnumMemberName("debug")]
    Debug,

    /// <summary>The bootable kernel, which has its BTF inside where it was built with it; a tenth of the size.</summary>
    [JsonStringEnumMemberName("image")]
    Image,

    /// <summary>Modules of a kernel whose image is in another package.</summary>
    [JsonStringEnumMemberName("modules")]
    Modules,
}

/// <summary>Name, version and arch of a package, by which rules tell what it is.</summary>
/// <param name="Release">rpm's second half of the version; empty for Debian packages, whose version is in one piece.</param>
/// <param name="Arch">As the repository spells it.</param>
public readonly record struct PackageName(string Name, string Version, string Release, string Arch);

/// <summary>Which packages are kernels, and of which uname. The first rule that matches a package decides.</summary>
public sealed partial record PackageRule
{
    private NamePattern? _name;
    private NamePattern? _release;

    public required PackageGrade Grade { get; init; }

    /// <summary>Pattern of the package's name. Its groups are words of <see cref="Uname"/>.</summary>
    public required string Name { get; init; }

    /// <summary>Pattern of the release (rpm), where the name does not tell enough.</summary>
    public string? Release { get; init; }

    /// <summary>
    /// What <c>uname -r</c> prints, of the name's groups, {version}, {release}, {arch}, and {release-1}: the release without its last
    /// dotted part, which at SUSE counts builds.
    /// </summary>
    public string Uname { get; init; } = "{uname}";

    /// <summary>Bytes; smaller packages of such a name are stubs and placeholders.</summary>
    public long MinSize { get; init; }

    /// <summary>Whether the rule is about the package, which costs less than to take its name apart.</summary>
    public bool Matches(PackageName package) => NamePattern.IsMatch(package.Name) && IsOfRelease(package);

    /// <summary>The uname of the kernel that the package belongs to; null where the rule is about others.</summary>
    public string? UnameOf(PackageName package)
    {
        if (NamePattern.GroupsOf(package.Name) is not { } groups || !IsOfRelease(package))
            return null;
        return Word().Replace(Uname, word => word.Groups["word"].Value switch
        {
            "version" => package.Version,
            "release" => package.Release,
            "release-1" => WithoutLastPart(package.Release),
            "arch" => package.Arch,
            var group => groups[group].Value,
        });
    }

    /// <summary>Every word of the template is one that we know, or a group of the name's pattern.</summary>
    internal bool HasValidUname() => Word().Matches(Uname).Select(m => m.Groups["word"].Value)
        .All(word => word is "version" or "release" or "release-1" or "arch" || NamePattern.HasGroup(word));

    private NamePattern NamePattern => _name ??= new NamePattern(Name);

    private bool IsOfRelease(PackageName package) => Release is null || (_release ??= new NamePattern(Release)).IsMatch(package.Release);

    private static string WithoutLastPart(string release) =>
        release.LastIndexOf('.') is > 0 and var dot ? release[..dot] : release;

    [GeneratedRegex(@"\{(?<word>[a-z0-9-]{1,32})\}", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Word();
}
