using Archive.Crawler.Http;
using Archive.Crawler.Protocols;
using Archive.Crawler.Protocols.RpmMd;
using Archive.Crawler.Runs;
using Archive.Store.Provenance;

namespace Archive.Crawler.Sources;

/// <summary>Lists the kernel packages of a distro with rpm-md repositories: repomd.xml, verified where it is signed → primary index → packages.</summary>
public sealed class RpmMdSource(SourceDefinition definition, IndexCache cache, HostIdentity host) : RepositorySource(definition, host)
{
    protected override async Task<IReadOnlyList<FoundPackage>> ReadAsync(
        ListingPart part, CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation) =>
        await FirstGoodAsync(part, await SitesAsync(part, request, cancellation), s => s.Url, sites => ReadRepositoryAsync(sites, part, request, cancellation), progress);

    private async Task<List<FoundPackage>> ReadRepositoryAsync(
        IReadOnlyList<RpmMdSite> sites, ListingPart part, CrawlRequest request, CancellationToken cancellation)
    {
        var verifier = SignatureVerifier.For(request.Mirrors.Keyring ?? Definition.Keyring, Definition);
        var repository = await RpmMdRepository.FetchAsync(cache, verifier, sites[0], cancellation);
        var index = new ProvenanceIndex(repository.Url, repository.Sha256, verifier is not null, repository.Fingerprints)
        { Unverified = verifier is null ? Definition.Unverified : null };
        var packages = await RpmMdPackages.FetchAsync(cache, repository, n => part.Arches.Contains(n.Arch) && Definition.MayBeKernel(n), cancellation);
        var places = sites.Select(s => s.Url).ToList();
        return [.. packages.Select(p => Describe(p.Package, part, index, new MirroredFile(places, p.Location))).OfType<FoundPackage>()];
    }

    /// <summary>The request's own mirrors; else those that the repository's metalink or list of mirrors names, then the source's.</summary>
    private async Task<IReadOnlyList<RpmMdSite>> SitesAsync(ListingPart part, CrawlRequest request, CancellationToken cancellation)
    {
        var path = part.Path(part.Repository.Name).TrimEnd('/') + "/";
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
}
