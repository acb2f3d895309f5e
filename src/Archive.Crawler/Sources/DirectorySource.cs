using Archive.Crawler.Http;
using Archive.Crawler.Protocols.Directories;
using Archive.Crawler.Runs;
using Archive.Store.Provenance;

namespace Archive.Crawler.Sources;

/// <summary>
/// Lists the kernel packages of a folder on a web server, by the names on its page. Nothing vouches for them, and neither size nor digest
/// is known before they are fetched; the source says so, and the provenance repeats it.
/// </summary>
public sealed class DirectorySource(SourceDefinition definition, IndexCache cache, HostIdentity host) : RepositorySource(definition, host)
{
    protected override IEnumerable<ListingPart> PartsOf(ReleaseDefinition release, RepositoryDefinition repository, IReadOnlyList<string> arches) =>
        Parts(release, repository, arches);

    protected override Task<IReadOnlyList<FoundPackage>> ReadAsync(
        ListingPart part, CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        var pages = (request.Mirrors.Of(part.Repository.Mirror) is { Count: > 0 } own ? own : Definition.Mirrors[part.Repository.Mirror])
            .Select(m => WithSlash(new Uri(WithSlash(m), part.Path(part.Repository.Name)))).ToList();
        return FirstGoodAsync(pages.Count,
            i => ReadPageAsync([.. pages.Skip(i)], part, progress, cancellation),
            (i, reason) => progress?.Report(new SuiteSkipped(part.Name, $"{reason}; trying {pages[i + 1]}")));
    }

    private async Task<IReadOnlyList<FoundPackage>> ReadPageAsync(
        IReadOnlyList<Uri> pages, ListingPart part, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        var html = await cache.GetCurrentAsync(pages[0], cancellation);
        var index = new ProvenanceIndex(pages[0], IndexCache.Digest(html), false, []) { Unverified = Definition.Unverified };
        var found = new List<FoundPackage>();
        foreach (var file in DirectoryPage.FilesOf(pages[0], html))
        {
            if (PackageFileName.Parse(Uri.UnescapeDataString(file.Segments[^1])) is not { } package || !part.Arches.Contains(package.Name.Arch))
                continue;
            var path = pages[0].MakeRelativeUri(file);
            if (Describe(package, part, index, [.. pages.Select(p => new Uri(p, path))]) is { } kernel)
                found.Add(kernel);
        }
        foreach (var arch in part.Arches)
            progress?.Report(new SuiteRead(part.Repository.Name, Definition.Arches[arch], found.Count(f => f.Build.Key.Arch == Definition.Arches[arch])));
        return found;
    }
}
