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
    protected override Task<IReadOnlyList<FoundPackage>> ReadAsync(
        ListingPart part, CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        var pages = UrlsOf(part, request).Select(m => WithSlash(new Uri(m, part.Path(part.Repository.Name)))).ToList();
        return FirstGoodAsync(part, pages, p => p, some => ReadPageAsync(some, part, cancellation), progress);
    }

    private async Task<List<FoundPackage>> ReadPageAsync(IReadOnlyList<Uri> pages, ListingPart part, CancellationToken cancellation)
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
        return found;
    }
}
