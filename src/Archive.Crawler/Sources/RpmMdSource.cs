using Archive.Crawler.Http;
using Archive.Crawler.Protocols;
using Archive.Crawler.Protocols.RpmMd;
using Archive.Crawler.Runs;
using Archive.Store.Provenance;

namespace Archive.Crawler.Sources;

/// <summary>Lists the kernel packages of a distro with rpm-md repositories: repomd.xml, verified where it is signed → primary index → packages.</summary>
public sealed class RpmMdSource(SourceDefinition definition, IndexCache cache, HostIdentity host) : RepositorySource(definition, host)
{
    protected override IEnumerable<ListingPart> PartsOf(ReleaseDefinition release, RepositoryDefinition repository, IReadOnlyList<string> arches) =>
        Parts(release, repository, arches);

    protected override async Task<IReadOnlyList<FoundPackage>> ReadAsync(
        ListingPart part, CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        var sites = await SitesAsync(part, request, cancellation);
        return await FirstGoodAsync(sites.Count,
            i => ReadRepositoryAsync(sites, i, part, request, progress, cancellation),
            (i, reason) => progress?.Report(new SuiteSkipped(part.Name, $"{reason}; trying {sites[i + 1].Url}")));
    }

    private async Task<IReadOnlyList<FoundPackage>> ReadRepositoryAsync(
        IReadOnlyList<RpmMdSite> sites, int current, ListingPart part, CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        var verifier = SignatureVerifier.For(request.Mirrors.Keyring ?? Definition.Keyring, Definition);
        var repository = await RpmMdRepository.FetchAsync(cache, verifier, sites[current], cancellation);
        var index = new ProvenanceIndex(repository.Url, repository.Sha256, verifier is not null, repository.Fingerprints)
        { Unverified = verifier is null ? Definition.Unverified : null };
        var packages = await RpmMdPackages.FetchAsync(cache, repository, n => Definition.Classify(n) is not null && part.Arches.Contains(n.Arch), cancellation);
        var found = packages
            .Select(p => Describe(p.Package, part, index, [.. sites.Skip(current).Select(s => p.UrlBelow(s.Url))]))
            .OfType<FoundPackage>().ToList();
        foreach (var arch in part.Arches)
            progress?.Report(new SuiteRead(part.Repository.Name, Definition.Arches[arch], found.Count(f => f.Build.Key.Arch == Definition.Arches[arch])));
        return found;
    }

    /// <summary>The request's own mirrors; else those that the repository's metalink or list of mirrors names, then the source's.</summary>
    private async Task<IReadOnlyList<RpmMdSite>> SitesAsync(ListingPart part, CrawlRequest request, CancellationToken cancellation)
    {
        var path = WithSlash(part.Path(part.Repository.Name));
        if (request.Mirrors.Of(part.Repository.Mirror) is { Count: > 0 } own)
            return [.. own.Select(u => new RpmMdSite(new Uri(WithSlash(u), path), []))];
        var sites = new List<RpmMdSite>();
        if (part.Repository.Metalink is { } metalink)
            sites.AddRange(await MirrorLists.MetalinkAsync(cache, new Uri(part.Path(metalink)), cancellation));
        if (part.Repository.MirrorList is { } list)
            sites.AddRange(await MirrorLists.PlainAsync(cache, new Uri(part.Path(list)), part.Arches[0], cancellation));
        if (Definition.Mirrors.TryGetValue(part.Repository.Mirror, out var mirrors))
            sites.AddRange(mirrors.Select(m => new RpmMdSite(new Uri(WithSlash(m), path), [])));
        return [.. sites.DistinctBy(s => s.Url)];
    }

    private static string WithSlash(string path) => path.EndsWith('/') ? path : path + "/";
}
