using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Archive.Store.Kernels;

namespace Archive.Crawler.Sources;

/// <summary>A suite of a release: one InRelease file.</summary>
/// <param name="Mirror">Name of the group of mirrors that carry it.</param>
/// <param name="Optional">May be absent from a mirror (updates that are empty, backports that have ended).</param>
public sealed record SuiteDefinition(string Name, string Mirror, bool Optional);

/// <param name="Version">os-release's VERSION_ID: the name in the tree.</param>
/// <param name="Stable">The release that is crawled where the host is none of them.</param>
public sealed record ReleaseDefinition(string Codename, string Version, IReadOnlyList<SuiteDefinition> Suites, bool Stable);

/// <summary>
/// A distro as data: one JSON file each, embedded. Checked when it is read, with errors that name file and field, so that a
/// mistake shows at start and not in the middle of a night's crawl.
/// </summary>
public sealed record SourceDefinition
{
    private static readonly TimeSpan MatchLimit = TimeSpan.FromSeconds(1);

    /// <summary>Canonical distro: the first part of the tree's paths.</summary>
    public required string Id { get; init; }

    public required string Protocol { get; init; }

    /// <summary>Keyring that signatures of the indexes are checked with, where the host's configuration names none.</summary>
    public required string Keyring { get; init; }

    /// <summary>The package that installs the keyring.</summary>
    public required string KeyringPackage { get; init; }

    /// <summary>Base URLs by group, in the order they are tried, for hosts whose own configuration has none.</summary>
    public required IReadOnlyDictionary<string, IReadOnlyList<Uri>> Mirrors { get; init; }

    public required IReadOnlyList<string> Components { get; init; }

    /// <summary>Names of debug packages; the group <c>uname</c> is the kernel's release.</summary>
    public required string Package { get; init; }

    /// <summary>Splits what a uname says of its flavour off, as the group <c>flavour</c>.</summary>
    public required string Flavour { get; init; }

    /// <summary>Patterns of flavours; what matches none is <see cref="GenericFlavour"/>.</summary>
    public required IReadOnlyDictionary<string, string> Flavours { get; init; }

    /// <summary>Canonical archs by the repository's names.</summary>
    public required IReadOnlyDictionary<string, string> Arches { get; init; }

    public required IReadOnlyList<ReleaseDefinition> Releases { get; init; }

    [JsonIgnore]
    public static string GenericFlavour => "generic";

    /// <summary>The uname that a package name stands for; null where it is no kernel's debug package.</summary>
    public string? UnameOf(string package) =>
        Regex.Match(package, Package, RegexOptions.CultureInvariant, MatchLimit) is { Success: true } match ? match.Groups["uname"].Value : null;

    public string FlavourOf(string uname)
    {
        var match = Regex.Match(uname, Flavour, RegexOptions.CultureInvariant, MatchLimit);
        var text = match.Success ? match.Groups["flavour"].Value : "";
        return Flavours.FirstOrDefault(f => Regex.IsMatch(text, f.Value, RegexOptions.CultureInvariant, MatchLimit)).Key ?? GenericFlavour;
    }

    /// <summary>The release of this codename or version, or null.</summary>
    public ReleaseDefinition? FindRelease(string name) => Releases.FirstOrDefault(r => r.Codename == name || r.Version == name);

    /// <exception cref="SourceDefinitionException">The file is no valid definition; the message names the field.</exception>
    public static SourceDefinition Parse(string file, Stream json)
    {
        SourceDefinition definition;
        try
        {
            definition = JsonSerializer.Deserialize(json, SourceJson.Default.SourceDefinition)
                ?? throw new SourceDefinitionException(file, "", "is empty");
        }
        catch (JsonException e)
        {
            throw new SourceDefinitionException(file, e.Path ?? "", e.Message);
        }
        definition.Validate(file);
        return definition;
    }

    /// <summary>The definition that is built in under this name, or null.</summary>
    public static SourceDefinition? BuiltIn(string id)
    {
        var name = $"{typeof(SourceDefinition).Namespace}.{id}.json";
        using var stream = typeof(SourceDefinition).Assembly.GetManifestResourceStream(name);
        return stream is null ? null : Parse($"{id}.json", stream);
    }

    private void Validate(string file)
    {
        Require(SafeSegment.IsSafe(Id), "id", Id);
        Require(Protocol == "apt", "protocol", Protocol);
        Require(Path.IsPathFullyQualified(Keyring), "keyring", Keyring);
        Require(Components.Count > 0, "components", "[]");
        Require(IsPattern(Package, "uname"), "package", Package);
        Require(IsPattern(Flavour, "flavour"), "flavour", Flavour);
        foreach (var (flavour, pattern) in Flavours)
            Require(IsPattern(pattern, null), $"flavours.{flavour}", pattern);
        foreach (var (name, arch) in Arches)
            Require(KernelNames.Arch(arch) == arch, $"arches.{name}", arch);
        foreach (var (group, urls) in Mirrors)
            Require(urls.Count > 0 && urls.All(u => u.IsAbsoluteUri && u.Scheme is "http" or "https"), $"mirrors.{group}", string.Join(' ', urls));
        foreach (var release in Releases)
            ValidateRelease(release);

        void ValidateRelease(ReleaseDefinition release)
        {
            Require(SafeSegment.IsSafe(release.Version), $"releases.{release.Codename}.version", release.Version);
            foreach (var suite in release.Suites)
            {
                Require(SafeSegment.IsSafe(suite.Name), $"releases.{release.Codename}.suites", suite.Name);
                Require(Mirrors.ContainsKey(suite.Mirror), $"releases.{release.Codename}.suites.{suite.Name}.mirror", suite.Mirror);
            }
        }

        void Require(bool holds, string field, string value)
        {
            if (!holds)
                throw new SourceDefinitionException(file, field, $"'{value}' is not valid");
        }
    }

    private static bool IsPattern(string pattern, string? group)
    {
        try
        {
            var regex = new Regex(pattern, RegexOptions.CultureInvariant, MatchLimit);
            return group is null || regex.GetGroupNames().Contains(group);
        }
        catch (ArgumentException)
        {
            return false;
        }
    }
}

/// <summary>A source file cannot be used.</summary>
public sealed class SourceDefinitionException(string file, string field, string problem) : Exception($"{file}: {field}: {problem}");

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow)]
[JsonSerializable(typeof(SourceDefinition))]
internal sealed partial class SourceJson : JsonSerializerContext;
