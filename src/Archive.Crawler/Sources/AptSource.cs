using Archive.Crawler.Http;
using Archive.Crawler.Protocols.Apt;
using Archive.Crawler.Runs;
using Archive.Store.Kernels;
using Archive.Store.Provenance;

namespace Archive.Crawler.Sources;

/// <summary>Finds the kernel packages of a distro with APT repositories: verified Release → verified index → packages.</summary>
public sealed class AptSource(SourceDefinition definition, IndexCache cache, IReadOnlyList<AptEntry> hostEntries, HostIdentity host, TimeProvider clock)
{
    /// <summary>The newest builds that the request asks for, newest first, each once; and what went wrong with single suites.</summary>
    /// <exception cref="CrawlException">No suite could be read, or the request names what the source does not have.</exception>
    public async Task<(IReadOnlyList<FoundKernel> Kernels, IReadOnlyList<string> Failures)> FindAsync(CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        var releases = ReleasesOf(request);
        var arches = ArchesOf(request);
        var found = new List<FoundPackage>();
        var failures = new List<string>();
        var read = 0;
        foreach (var release in releases)
        {
            foreach (var suite in release.Repositories)
            {
                try
                {
                    found.AddRange(await ReadSuiteAsync(release, suite, arches, request, progress, cancellation));
                    read++;
                }
                catch (MirrorException e) when (e.IsMissing && (suite.Optional || request.Mirrors.LacksGroup(suite.Mirror)))
                {
                    progress?.Report(new SuiteSkipped(suite.Name, e.Message));
                }
                catch (Exception e) when (e is MirrorException or SignatureException or AptFormatException or Btf.MalformedInputException)
                {
                    failures.Add($"{suite.Name}: {e.Message}");
                    progress?.Report(new SuiteFailed(suite.Name, e.Message));
                }
            }
        }
        if (read == 0)
            throw new CrawlException(failures.Count == 0 ? "no mirror has any of the suites" : string.Join("; ", failures));
        return (KernelSelection.Of(found, request), failures);
    }

    private List<ReleaseDefinition> ReleasesOf(CrawlRequest request)
    {
        if (request.Releases.Count == 0)
            return [DefaultRelease()];
        return [.. request.Releases.Select(name => definition.FindRelease(name)
            ?? throw new CrawlException($"{definition.Id} has no release '{name}'; it has {string.Join(", ", definition.Releases.Select(r => r.Codename))}"))];
    }

    private ReleaseDefinition DefaultRelease() =>
        (host.Distro == definition.Distro && host.Version is { } version ? definition.FindRelease(version) : null)
        ?? definition.Releases.First(r => r.Stable);

    /// <summary>The repository's names of the archs.</summary>
    private List<string> ArchesOf(CrawlRequest request)
    {
        IReadOnlyList<string> wanted = request.Arches.Count == 0 ? [host.Arch] : request.Arches;
        return [.. wanted.Select(name => definition.Arches.FirstOrDefault(a => a.Value == KernelNames.Arch(name)).Key
            ?? throw new CrawlException($"{definition.Id} has no arch '{name}'; it has {string.Join(", ", definition.Arches.Values)}"))];
    }

    private async Task<List<FoundPackage>> ReadSuiteAsync(
        ReleaseDefinition release, RepositoryDefinition suite, List<string> arches, CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        var mirrors = MirrorsOf(suite, request);
        for (var i = 0; ; i++)
        {
            try
            {
                return await ReadSuiteAsync(mirrors, i, release, suite, arches, request, progress, cancellation);
            }
            catch (Exception e) when (i + 1 < mirrors.Count && e is MirrorException or SignatureException or AptFormatException or Btf.MalformedInputException)
            {
                progress?.Report(new SuiteSkipped(suite.Name, $"{e.Message}; trying {mirrors[i + 1].Url}"));
            }
        }
    }

    private async Task<List<FoundPackage>> ReadSuiteAsync(
        IReadOnlyList<SuiteMirror> mirrors, int current, ReleaseDefinition release, RepositoryDefinition suite, List<string> arches,
        CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        var mirror = mirrors[current];
        var verifier = new ReleaseVerifier(mirror.Keyring, definition.KeyringPackage);
        var index = await AptRelease.FetchAsync(cache, verifier, mirror.Url, suite.Name, clock, cancellation);
        var found = new List<FoundPackage>();
        var flavours = request.Flavours.Count > 0 ? request.Flavours : definition.DefaultFlavours;
        foreach (var arch in arches)
        {
            var count = found.Count;
            foreach (var component in definition.Components)
            {
                var packages = await AptPackages.FetchAsync(cache, index, component, arch, n => definition.Classify(new PackageName(n, "", "", arch)) is not null, cancellation);
                found.AddRange(packages
                    .Select(p => Describe(p, release, arch, index, [.. mirrors.Skip(current).Select(m => new Uri(m.Url, p.Filename))]))
                    .OfType<FoundPackage>()
                    .Where(p => flavours.Any(f => f == CrawlRequest.AllFlavours || f == p.Flavour) && request.WantsUname(p.Build.Key.Uname)));
            }
            progress?.Report(new SuiteRead(suite.Name, definition.Arches[arch], found.Count - count));
        }
        return found;
    }

    private FoundPackage? Describe(AptPackage package, ReleaseDefinition release, string arch, AptRelease index, IReadOnlyList<Uri> urls)
    {
        if (definition.Classify(new PackageName(package.Name, package.Version, "", arch)) is not var (rule, rank, uname) || package.Size < rule.MinSize)
            return null;
        if (KernelNames.Key(definition.Distro, release.Version, definition.Arches[arch], uname) is not { } key)
            return null;
        var build = new KernelBuild
        {
            Key = key,
            PackageName = package.Name,
            PackageVersion = package.Version,
            PackageSha256 = package.Sha256,
            PackageSize = package.Size,
            PackageUrl = urls[0],
        };
        var noteOnly = rule.Grade == PackageGrade.Image && definition.ImagePackages == ImagePolicy.Note;
        return new FoundPackage(
            build, definition.FlavourOf(key.Uname), rule.Grade, rank, noteOnly, new ProvenanceIndex(index.Url, index.Sha256, true, index.Fingerprints), urls);
    }

    private sealed record SuiteMirror(Uri Url, string Keyring);

    /// <summary>
    /// The request's own mirrors; else those of the host's apt configuration, which also carry the releases and
    /// architectures that the host does not use; then the source's.
    /// </summary>
    private List<SuiteMirror> MirrorsOf(RepositoryDefinition suite, CrawlRequest request)
    {
        if (request.Mirrors.Of(suite.Mirror) is { Count: > 0 } own)
            return [.. own.Select(u => new SuiteMirror(WithSlash(u), request.Mirrors.Keyring ?? definition.Keyring))];
        var fromHost = host.Distro != definition.Distro ? [] : hostEntries
            .Where(e => GroupOf(e.Suite) == suite.Mirror)
            .Select(e => new SuiteMirror(e.Mirror, KeyringFor(e)));
        var fallback = definition.Mirrors[suite.Mirror].Select(u => new SuiteMirror(WithSlash(u), definition.Keyring));
        return [.. fromHost.Concat(fallback).DistinctBy(m => m.Url)];
    }

    /// <summary>The host's keyring may hold the keys of its own release alone; the distro's holds them all.</summary>
    private string KeyringFor(AptEntry entry) => File.Exists(definition.Keyring) ? definition.Keyring : entry.SignedBy ?? definition.Keyring;

    private string? GroupOf(string suite) => definition.Releases.SelectMany(r => r.Repositories).FirstOrDefault(s => s.Name == suite)?.Mirror;

    private static Uri WithSlash(Uri url) => url.OriginalString.EndsWith('/') ? url : new Uri(url.OriginalString + "/");
}

/// <summary>The crawl as a whole cannot go on; the message says why.</summary>
public sealed class CrawlException(string message, Exception? inner = null) : Exception(message, inner);
