using Archive.Crawler.Http;
using Archive.Crawler.Protocols;
using Archive.Crawler.Protocols.Apt;
using Archive.Crawler.Runs;
using Archive.Store.Provenance;

namespace Archive.Crawler.Sources;

/// <summary>Lists the kernel packages of a distro with APT repositories: verified Release → verified index → packages.</summary>
public sealed class AptSource(SourceDefinition definition, IndexCache cache, IReadOnlyList<AptEntry> hostEntries, HostIdentity host, TimeProvider clock)
    : RepositorySource(definition, host)
{
    /// <summary>One Release file is for all archs: it is verified once in a crawl.</summary>
    private readonly Dictionary<(Uri, string), AptRelease> _releases = [];

    /// <summary>A mirror may have old indexes of one arch.</summary>
    protected override IEnumerable<ListingPart> PartsOf(ReleaseDefinition release, RepositoryDefinition repository, IReadOnlyList<string> arches) =>
        PerArch(release, repository, arches);

    protected override Task<IReadOnlyList<FoundPackage>> ReadAsync(
        ListingPart part, CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation) =>
        FirstGoodAsync(part, MirrorsOf(part.Repository, request), m => m.Url, mirrors => ReadSuiteAsync(mirrors, part, request, cancellation), progress);

    /// <param name="mirrors">The one to ask, and those that may have the packages too.</param>
    private async Task<List<FoundPackage>> ReadSuiteAsync(
        IReadOnlyList<SuiteMirror> mirrors, ListingPart part, CrawlRequest request, CancellationToken cancellation)
    {
        var verifier = SignatureVerifier.For(mirrors[0].Keyring, Definition);
        if (!_releases.TryGetValue((mirrors[0].Url, part.Repository.Name), out var release))
        {
            release = await AptRelease.FetchAsync(cache, verifier, mirrors[0].Url, part.Repository.Name, clock, request.AllowExpired, cancellation);
            _releases[(mirrors[0].Url, part.Repository.Name)] = release;
        }
        var index = new ProvenanceIndex(release.Url, release.Sha256, verifier is not null, release.Fingerprints) { Unverified = verifier is null ? Definition.Unverified : release.Expired };
        var sites = mirrors.Select(m => m.Url).ToList();
        var found = new List<FoundPackage>();
        foreach (var arch in part.Arches)
        {
            foreach (var component in Definition.Components)
            {
                await AptPackages.FetchAsync(cache, release, component, arch, n => Definition.MayBeKernel(new PackageName(n, "", "", arch)), Take, cancellation);

                void Take(AptPackage p)
                {
                    var package = new ListedPackage(new PackageName(p.Name, p.Version, "", arch), p.Version, p.Size, Checksum.Sha256(p.Sha256));
                    if (Describe(package, part, index, new MirroredFile(sites, p.Filename)) is { } kernel)
                        found.Add(kernel);
                }
            }
        }
        return found;
    }

    private sealed record SuiteMirror(Uri Url, string? Keyring);

    /// <summary>
    /// The request's own mirrors; else those of the host's apt configuration, which also carry the releases and
    /// architectures that the host does not use; then the source's.
    /// </summary>
    private List<SuiteMirror> MirrorsOf(RepositoryDefinition suite, CrawlRequest request)
    {
        var keyring = request.Mirrors.Keyring ?? Definition.Keyring;
        if (request.Mirrors.Of(suite.Mirror) is { Count: > 0 } own)
            return [.. own.Select(u => new SuiteMirror(WithSlash(u), keyring))];
        var fromHost = Host.Distro != Definition.Distro ? [] : hostEntries
            .Where(e => GroupOf(e.Suite) == suite.Mirror)
            .Select(e => new SuiteMirror(e.Mirror, KeyringFor(e)));
        var fallback = Definition.Mirrors[suite.Mirror].Select(u => new SuiteMirror(WithSlash(u), keyring));
        return [.. fromHost.Concat(fallback).DistinctBy(m => m.Url)];
    }

    /// <summary>The host's keyring may hold the keys of its own release alone; the distro's holds them all.</summary>
    private string? KeyringFor(AptEntry entry) => File.Exists(Definition.Keyring) ? Definition.Keyring : entry.SignedBy ?? Definition.Keyring;

    private string? GroupOf(string suite) => Definition.Releases.SelectMany(r => r.Repositories).FirstOrDefault(s => s.Name == suite)?.Mirror;
}
