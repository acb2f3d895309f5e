using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Archive.Crawler.Sources;

/// <summary>What becomes of kernels whose image package has their BTF.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ImagePolicy>))]
public enum ImagePolicy
{
    /// <summary>Published, like those of debug packages.</summary>
    [JsonStringEnumMemberName("archive")]
    Archive,

    /// <summary>Checked, and recorded as kernels that bring their own; nothing is stored.</summary>
    [JsonStringEnumMemberName("note")]
    Note,

    /// <summary>Image packages are not looked at.</summary>
    [JsonStringEnumMemberName("ignore")]
    Ignore,
}

/// <summary>A repository of a release: one signed index.</summary>
/// <param name="Name">APT: the suite. rpm-md: the path below the mirror, with {arch}, {version} and {codename}.</param>
/// <param name="Mirror">Name of the group of mirrors that carry it.</param>
/// <param name="Optional">May be absent from a mirror (updates that are empty, backports that have ended).</param>
public sealed record RepositoryDefinition(string Name, string Mirror = "main", bool Optional = false)
{
    /// <summary>The only archs that it is for, as it spells them; none for all.</summary>
    public IReadOnlyList<string> Arches { get; init; } = [];

    /// <summary>URL of a metalink that names mirrors (rpm-md), which are tried before the source's own.</summary>
    public string? Metalink { get; init; }

    /// <summary>URL of a list of mirrors (rpm-md), likewise.</summary>
    public string? MirrorList { get; init; }

    [JsonIgnore]
    public bool IsPerArch => Name.Contains("{arch}", StringComparison.Ordinal) || (Metalink ?? MirrorList)?.Contains("{arch}", StringComparison.Ordinal) == true;
}

/// <param name="Version">os-release's VERSION_ID: the name in the tree.</param>
/// <param name="Stable">The release that is crawled where the host is none of them.</param>
public sealed record ReleaseDefinition(string Codename, string Version, IReadOnlyList<RepositoryDefinition> Repositories, bool Stable);

/// <summary>
/// A distro as data: one JSON file each, embedded or in a folder of the user's. Checked when it is read, with errors that name file
/// and field, so that a mistake shows at start and not in the middle of a night's crawl (<see cref="SourceValidation"/>).
/// </summary>
public sealed record SourceDefinition
{
    /// <summary>Name of the source; unless <see cref="Distro"/> says otherwise also the distro, the first part of the tree's paths.</summary>
    public required string Id { get; init; }

    /// <summary>os-release's ID.</summary>
    public string Distro { get => field ?? Id; init; }

    public required string Protocol { get; init; }

    /// <summary>Keyring that signatures of the indexes are checked with, where the host's configuration names none.</summary>
    public string? Keyring { get; init; }

    /// <summary>The package that installs the keyring.</summary>
    public string? KeyringPackage { get; init; }

    /// <summary>
    /// Why the indexes are believed without a signature where the keyring is not there; it stands in the provenance of what comes of
    /// them. Null for a source that must be verified.
    /// </summary>
    public string? Unverified { get; init; }

    /// <summary>Base URLs by group, in the order they are tried, for hosts whose own configuration has none.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<Uri>> Mirrors { get; init; } = new Dictionary<string, IReadOnlyList<Uri>>();

    /// <summary>PEM files of the certificate that the mirrors want of a client, and of its key (RHEL's entitlement); null for none.</summary>
    public string? ClientCertificate { get; init; }

    public string? ClientKey { get; init; }

    /// <summary>PEM file of the authority that signed the mirrors' own certificates, where it is not one that everybody trusts.</summary>
    public string? CertificateAuthority { get; init; }

    /// <summary>What the mirrors are asked for at most.</summary>
    public Http.Politeness Politeness { get; init; } = Http.Politeness.Default;

    /// <summary>When it is crawled, where the configuration does not say: a Quartz cron expression, UTC.</summary>
    public string Cron { get; init; } = "0 17 0/6 * * ?";

    /// <summary>APT's components.</summary>
    public IReadOnlyList<string> Components { get; init; } = [];

    /// <summary>Which packages are kernels, those first that are preferred where a kernel is in several.</summary>
    public required IReadOnlyList<PackageRule> Packages { get; init; }

    public ImagePolicy ImagePackages { get; init; } = ImagePolicy.Archive;

    /// <summary>Splits what a uname, or else a package's name, says of its flavour off, as the group <c>flavour</c>.</summary>
    public string Flavour { get; init; } = "^(?<flavour>.*)$";

    /// <summary>Patterns of flavours; what matches none is <see cref="GenericFlavour"/>.</summary>
    public IReadOnlyDictionary<string, string> Flavours { get; init; } = new Dictionary<string, string>();

    /// <summary>What a crawl takes that names no flavours.</summary>
    public IReadOnlyList<string> DefaultFlavours { get; init; } = [GenericFlavour];

    /// <summary>Canonical archs by the repository's names.</summary>
    public required IReadOnlyDictionary<string, string> Arches { get; init; }

    public required IReadOnlyList<ReleaseDefinition> Releases { get; init; }

    private readonly ConcurrentDictionary<string, NamePattern> _patterns = new(StringComparer.Ordinal);

    /// <summary>By reflection: generated code forgets the initial values of what a file leaves out.</summary>
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        RespectNullableAnnotations = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        ReadCommentHandling = JsonCommentHandling.Skip,
    };

    [JsonIgnore]
    public static string GenericFlavour => "generic";

    /// <summary>The rule for a package, with the uname of its kernel and the rule's place in the order of preference; null where it is no kernel's.</summary>
    public (PackageRule Rule, int Rank, string Uname)? Classify(PackageName package)
    {
        for (var rank = 0; rank < Packages.Count; rank++)
        {
            if (Packages[rank].UnameOf(package) is { } uname)
                return IsWanted(Packages[rank]) ? (Packages[rank], rank, uname) : null;
        }
        return null;
    }

    /// <summary>Whether <see cref="Classify"/> is worth its time: most of what a repository lists is no kernel's.</summary>
    public bool MayBeKernel(PackageName package) => Packages.Any(rule => rule.Matches(package));

    public string FlavourOf(string uname, string package = "") => FlavourIn(uname) ?? FlavourIn(package) ?? GenericFlavour;

    /// <summary>The release of this codename or version, or null.</summary>
    public ReleaseDefinition? FindRelease(string name) => Releases.FirstOrDefault(r => r.Codename == name || r.Version == name);

    /// <exception cref="SourceDefinitionException">The file is no valid definition; the message names the field.</exception>
    public static SourceDefinition Parse(string file, Stream json)
    {
        try
        {
            var definition = JsonSerializer.Deserialize<SourceDefinition>(json, Json)
                ?? throw new SourceDefinitionException(file, "", "is empty");
            SourceValidation.Check(file, definition);
            return definition;
        }
        catch (JsonException e)
        {
            throw new SourceDefinitionException(file, e.Path ?? "", e.Message);
        }
    }

    private string? FlavourIn(string name)
    {
        var text = PatternOf(Flavour).GroupsOf(name)?["flavour"].Value ?? "";
        return Flavours.FirstOrDefault(f => PatternOf(f.Value).IsMatch(text)).Key;
    }

    private bool IsWanted(PackageRule rule) => rule.Grade == PackageGrade.Debug || ImagePackages != ImagePolicy.Ignore;

    private NamePattern PatternOf(string pattern) => _patterns.GetOrAdd(pattern, p => new NamePattern(p));
}

/// <summary>A source file cannot be used.</summary>
public sealed class SourceDefinitionException(string file, string field, string problem) : Exception($"{file}: {field}: {problem}");
