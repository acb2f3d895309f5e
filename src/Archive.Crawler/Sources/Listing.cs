namespace Archive.Crawler.Sources;

/// <summary>A part of a source that is listed, and fails, on its own.</summary>
/// <param name="Arches">As the repository spells them.</param>
public sealed record ListingPart(ReleaseDefinition Release, RepositoryDefinition Repository, IReadOnlyList<string> Arches)
{
    /// <summary>For people and records: the repository, with the arch where the part is of one alone.</summary>
    public string Name => Arches is not [var arch] ? Path(Repository.Name) : Repository.Name.Contains("{arch}", StringComparison.Ordinal) ? Path(Repository.Name) : $"{Repository.Name} {arch}";

    /// <summary>A path or URL of the source's file, its words filled in.</summary>
    public string Path(string template) => template
        .Replace("{arch}", Arches[0], StringComparison.Ordinal)
        .Replace("{version}", Release.Version, StringComparison.Ordinal)
        .Replace("{codename}", Release.Codename, StringComparison.Ordinal);
}

/// <summary>What a source has, as far as it could be read.</summary>
/// <param name="Packages">All kernel packages, in the order of the repositories.</param>
/// <param name="Complete">Parts that were read to their end.</param>
/// <param name="Failures">Parts that could not be read or trusted, and why.</param>
public sealed record Listing(IReadOnlyList<FoundPackage> Packages, IReadOnlyList<ListingPart> Complete, IReadOnlyList<string> Failures);
