using System.Text.RegularExpressions;
using Archive.Api.Kernels;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Pages.Home;

/// <summary>What a text in the box came to.</summary>
public abstract record Found(string Text);

/// <summary>A question for one kernel: the candidates, or what stands around a miss.</summary>
/// <param name="Builds">Every build that can be meant, published or not.</param>
/// <param name="Around">Null where there are candidates.</param>
public sealed record FoundKernels(string Text, LookupQuestion Question, LookupAnswer Answer, IReadOnlyList<KernelRecord> Builds, Surroundings? Around) : Found(Text);

/// <summary>Places of a distro, version or arch.</summary>
public sealed record FoundPlaces(string Text, IReadOnlyList<Shelf> Shelves) : Found(Text);

/// <summary>Kernels with the text in their names.</summary>
public sealed record FoundUnames(string Text, IReadOnlyList<RosterBuild> Builds) : Found(Text);

/// <summary>Types and functions of the kernel that is shown where none is named.</summary>
public sealed record FoundTypes(string Text, KernelKey Kernel, IReadOnlyList<NamedType> Names) : Found(Text);

public sealed record FoundNothing(string Text) : Found(Text);

/// <param name="Kind">A word for people: kernel, distro, type.</param>
public sealed record Suggestion(string Text, string Kind, string Path);

/// <summary>
/// Understands what people paste: a release or <c>uname -a</c>, os-release, a build-id or digest, a distro, a part of a name. In this order, the first
/// that it can be is what it is.
/// </summary>
public sealed partial class Finder(KernelRoster rosters, KernelLookup lookup, KernelIndex index, ICatalogue catalogue, TypeNames names)
{
    public const int MaxText = 4000;
    private const int MaxMatches = 50, MaxSuggestions = 8;

    public async Task<Found> FindAsync(string text, CancellationToken cancellation)
    {
        text = text.Trim();
        text = text[..Math.Min(text.Length, MaxText)];
        var roster = await rosters.GetAsync(cancellation);
        if (Digest().IsMatch(text) && (await catalogue.FindByDigestAsync(text.ToLowerInvariant(), cancellation)) is { Count: > 0 } records)
            return Kernels(text, new LookupQuestion(records[0].Build.Key.Uname, null, null, null, null, []), records);
        if (await AskAsync(text, cancellation) is { } kernels)
            return kernels;
        if (Places(roster, text) is { Count: > 0 } shelves)
            return new FoundPlaces(text, shelves);
        var matches = Matching(roster, text).SelectMany(uname => roster.Named(uname)).DistinctBy(build => build.Key).Take(MaxMatches).ToList();
        if (matches.Count > 0)
            return new FoundUnames(text, matches);
        return await TypesAsync(roster, text, MaxMatches, cancellation) is { } types ? types : new FoundNothing(text);
    }

    public async Task<IReadOnlyList<Suggestion>> SuggestAsync(string text, CancellationToken cancellation)
    {
        var roster = await rosters.GetAsync(cancellation);
        var places = Places(roster, text).Take(3).Select(shelf => new Suggestion($"{shelf.Place.Distro} {shelf.Place.Version} {shelf.Place.Arch}", $"{Show.Count(shelf.Count)} builds", Links.Place(shelf.Place)));
        var unames = Matching(roster, text).SelectMany(roster.Named).DistinctBy(build => build.Key).Take(MaxSuggestions)
            .Select(build => new Suggestion(build.Key.Uname, $"{build.Key.Distro} {build.Key.Version} {build.Key.Arch}", Links.Kernel(build.Key)));
        var known = places.Concat(unames).Take(MaxSuggestions).ToList();
        if (known.Count < MaxSuggestions && await TypesAsync(roster, text, MaxSuggestions - known.Count, cancellation) is { } types)
            known.AddRange(types.Names.Select(named => new Suggestion(named.Name, named.Kind == "func" ? "function" : named.Kind, Links.Named(types.Kernel, named))));
        return known;
    }

    /// <summary>Null where nothing has a name like it.</summary>
    private async Task<FoundTypes?> TypesAsync(Roster roster, string text, int limit, CancellationToken cancellation)
    {
        if (TypeName().Match(text) is not { Success: true } match || roster.Default is not { } key
            || (await index.BuildsAsync(key, cancellation)).FirstOrDefault(KernelIndex.IsServed)?.Publication is not { } publication)
            return null;
        var kind = match.Groups["kind"] is { Success: true } given ? given.Value : null;
        var (found, _) = await names.SearchAsync(publication, match.Groups["name"].Value, kind, 0, limit, cancellation);
        return found.Count > 0 ? new FoundTypes(text, key, found) : null;
    }

    /// <summary>Null where the text has neither a release nor a build-id.</summary>
    private async Task<FoundKernels?> AskAsync(string text, CancellationToken cancellation)
    {
        // A version in os-release looks like a release of a kernel.
        var words = Assignment().Replace(text, "");
        var buildId = BuildId().IsMatch(text) ? text : null;
        var release = UnameText.Parse(words) is null ? null : words;
        if (LookupQuestion.Parse(release, null, null, null, buildId, text.Contains("ID=", StringComparison.Ordinal) ? text : null) is not { } question)
            return null;
        if (buildId is null && question.Uname is { } uname && !uname.Contains('-', StringComparison.Ordinal) && uname.Count(c => c == '.') < 2)
            return null; // 6.1 is the beginning of many.
        var (answer, builds) = await lookup.FindAsync(question, cancellation);
        var around = answer.Candidates.Count > 0 ? null : await index.SurroundingsAsync(new Resolution(question, null, builds, []), cancellation);
        return new FoundKernels(text, question, answer, builds, around);
    }

    private static FoundKernels Kernels(string text, LookupQuestion question, IReadOnlyList<KernelRecord> records) =>
        new(text, question, KernelLookup.Rank(question, records), records, null);

    /// <summary>Every word is a distro's, a version's or an arch's name; of os-release, its ID and version.</summary>
    private static List<Shelf> Places(Roster roster, string text)
    {
        var os = text.Contains("ID=", StringComparison.Ordinal) ? OsRelease.Parse(text) : null;
        var words = os is null ? text.Split([' ', '/', ','], StringSplitOptions.RemoveEmptyEntries) : new[] { os.Id, os.VersionId ?? os.Codename }.OfType<string>().ToArray();
        return words.Length is 0 or > 4 ? [] : [.. roster.Shelves.Where(shelf => words.All(word => IsOf(shelf.Place, word)) && words.Any(word => IsDistro(shelf.Place, word)))];
    }

    private static bool IsDistro(Place place, string word) => KernelNames.Distro(word) == place.Distro;

    private static bool IsOf(Place place, string word) => IsDistro(place, word) || KernelNames.Version(place.Distro, word) == place.Version || KernelNames.Arch(word) == place.Arch;

    /// <summary>Unames that begin with the text, then those that have it elsewhere; newest first.</summary>
    private static IEnumerable<string> Matching(Roster roster, string text) => text.Length < 2 ? [] : roster.Unames
        .Where(uname => uname.StartsWith(text, StringComparison.OrdinalIgnoreCase))
        .Concat(roster.Unames.Where(uname => uname.IndexOf(text, StringComparison.OrdinalIgnoreCase) > 0));

    [GeneratedRegex(@"^[A-Z][A-Z0-9_]*=.*$", RegexOptions.Multiline | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Assignment();

    [GeneratedRegex("^[0-9a-fA-F]{32,40}$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex BuildId();

    [GeneratedRegex(@"^((?<kind>struct|union|enum|typedef)\s+)?(?<name>[A-Za-z_]\w{1,200})(\(\))?$", RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TypeName();

    [GeneratedRegex("^[0-9a-fA-F]{64}$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Digest();
}
