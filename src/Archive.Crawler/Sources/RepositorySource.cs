using Archive.Crawler.Http;
using Archive.Crawler.Protocols;
using Archive.Crawler.Runs;
using Archive.Store.Kernels;
using Archive.Store.Provenance;

namespace Archive.Crawler.Sources;

/// <summary>
/// Lists the kernel packages of a distro: all protocols share how releases and archs are chosen, that a part which cannot be read
/// stops no other, that mirrors are tried in order, and how a package's name becomes a kernel.
/// </summary>
public abstract class RepositorySource(SourceDefinition definition, HostIdentity host)
{
    public SourceDefinition Definition { get; } = definition;

    protected HostIdentity Host { get; } = host;

    /// <summary>All kernel packages of the releases and archs that the request is about.</summary>
    /// <exception cref="CrawlException">Nothing could be read, or the request names what the source does not have.</exception>
    public async Task<Listing> ListAsync(CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        var arches = ArchesOf(request);
        var (found, complete, failures) = (new List<FoundPackage>(), new List<ListingPart>(), new List<string>());
        foreach (var part in ReleasesOf(request).SelectMany(release => release.Repositories.SelectMany(r => PartsOf(release, r, arches))))
        {
            try
            {
                found.AddRange(await ReadAsync(part, request, progress, cancellation));
                complete.Add(part);
            }
            catch (MirrorException e) when (e.IsMissing && (part.Repository.Optional || request.Mirrors.LacksGroup(part.Repository.Mirror)))
            {
                progress?.Report(new SuiteSkipped(part.Name, e.Message));
            }
            catch (Exception e) when (IsMirrorsFault(e))
            {
                failures.Add($"{part.Name}: {e.Message}");
                progress?.Report(new SuiteFailed(part.Name, e.Message));
            }
        }
        if (complete.Count == 0)
            throw new CrawlException(failures.Count == 0 ? "no mirror has any of the repositories" : string.Join("; ", failures));
        return new Listing(found, complete, failures);
    }

    /// <summary>What is read, and can fail, as one: a repository, where its path has {arch} that of one arch.</summary>
    protected virtual IEnumerable<ListingPart> PartsOf(ReleaseDefinition release, RepositoryDefinition repository, IReadOnlyList<string> arches)
    {
        var own = Own(repository, arches);
        return repository.IsPerArch ? PerArch(release, repository, arches) : own.Count == 0 ? [] : [new ListingPart(release, repository, own)];
    }

    /// <summary>A part for each arch, whatever the path.</summary>
    protected static IEnumerable<ListingPart> PerArch(ReleaseDefinition release, RepositoryDefinition repository, IReadOnlyList<string> arches) =>
        Own(repository, arches).Select(a => new ListingPart(release, repository, [a]));

    private static List<string> Own(RepositoryDefinition repository, IReadOnlyList<string> arches) =>
        [.. arches.Where(a => repository.Arches is not { Count: > 0 } some || some.Contains(a))];

    /// <exception cref="MirrorException">No mirror has it.</exception>
    /// <exception cref="SignatureException">No mirror's index can be trusted.</exception>
    protected abstract Task<IReadOnlyList<FoundPackage>> ReadAsync(
        ListingPart part, CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation);

    /// <summary>
    /// Reads a part from the first of its sites that can be read and trusted, and reports it. Where none can, the first one's failure counts, unless
    /// a site says that there is no such file.
    /// </summary>
    /// <param name="read">Gets the site to ask, and behind it those that may have the packages too.</param>
    protected async Task<IReadOnlyList<FoundPackage>> FirstGoodAsync<T>(
        ListingPart part, IReadOnlyList<T> sites, Func<T, Uri> urlOf, Func<IReadOnlyList<T>, Task<List<FoundPackage>>> read, IProgress<CrawlEvent>? progress)
    {
        MirrorException? missing = null;
        Exception? first = null;
        for (var i = 0; ; i++)
        {
            try
            {
                return Reported(part, await read([.. sites.Skip(i)]), progress);
            }
            catch (Exception e) when (IsMirrorsFault(e))
            {
                missing ??= e is MirrorException { IsMissing: true } absent ? absent : null;
                first ??= e;
                if (i + 1 >= sites.Count)
                    throw missing ?? first.Rethrown();
                progress?.Report(new SuiteSkipped(part.Name, $"{e.Message}; trying {urlOf(sites[i + 1])}"));
            }
        }
    }

    private List<FoundPackage> Reported(ListingPart part, List<FoundPackage> found, IProgress<CrawlEvent>? progress)
    {
        foreach (var arch in part.Arches.Select(a => Definition.Arches[a]))
            progress?.Report(new SuiteRead(part.Repository.Name, arch, found.Count(f => f.Build.Key.Arch == arch)));
        return found;
    }

    /// <summary>Places of a repository: below the request's own mirrors, else the source's.</summary>
    protected List<Uri> UrlsOf(ListingPart part, CrawlRequest request) =>
        [.. (request.Mirrors.Of(part.Repository.Mirror) is { Count: > 0 } own ? own : Definition.Mirrors[part.Repository.Mirror]).Select(WithSlash)];

    /// <summary>The package as one of a kernel; null where it is none.</summary>
    protected FoundPackage? Describe(ListedPackage package, ListingPart part, ProvenanceIndex? index, IReadOnlyList<Uri> urls)
    {
        if (!Definition.Arches.TryGetValue(package.Name.Arch, out var arch)
            || Definition.Classify(package.Name) is not var (rule, rank, uname) || package.Size < rule.MinSize
            || KernelNames.Key(Definition.Distro, part.Release.Version, arch, uname) is not { } key)
            return null;
        var build = new KernelBuild
        {
            Key = key,
            PackageName = package.Name.Name,
            PackageVersion = package.FullVersion,
            PackageSha256 = package.Checksum is { } checksum && checksum.Algorithm == System.Security.Cryptography.HashAlgorithmName.SHA256 ? checksum.Hex : "",
            PackageSize = package.Size ?? 0,
            PackageUrl = urls[0],
        };
        var noteOnly = rule.Grade == PackageGrade.Image && Definition.ImagePackages == ImagePolicy.Note;
        return new FoundPackage(build, Definition.FlavourOf(key.Uname, package.Name.Name), rule.Grade, rank, noteOnly, package.Checksum, index, urls)
        {
            Scope = part.Name,
        };
    }

    protected static bool IsMirrorsFault(Exception e) =>
        e is MirrorException or SignatureException or IndexFormatException or Btf.MalformedInputException;

    protected static Uri WithSlash(Uri url) => url.OriginalString.EndsWith('/') ? url : new Uri(url.OriginalString + "/");

    private List<ReleaseDefinition> ReleasesOf(CrawlRequest request)
    {
        if (request.Releases.Count == 0)
            return [DefaultRelease()];
        if (request.Releases.Contains(CrawlRequest.All))
            return [.. Definition.Releases];
        return [.. request.Releases.Select(name => Definition.FindRelease(name)
            ?? throw new CrawlException($"{Definition.Id} has no release '{name}'; it has {string.Join(", ", Definition.Releases.Select(r => r.Codename))}"))];
    }

    private ReleaseDefinition DefaultRelease() =>
        (Host.Distro == Definition.Distro && Host.Version is { } version ? Definition.FindRelease(version) : null)
        ?? Definition.Releases.First(r => r.Stable);

    /// <summary>The repository's names of the archs.</summary>
    private List<string> ArchesOf(CrawlRequest request)
    {
        if (request.Arches.Contains(CrawlRequest.All))
            return [.. Definition.Arches.Keys];
        IReadOnlyList<string> wanted = request.Arches.Count == 0 ? [Host.Arch] : request.Arches;
        return [.. wanted.Select(name => Definition.Arches.FirstOrDefault(a => a.Value == KernelNames.Arch(name)).Key
            ?? throw new CrawlException($"{Definition.Id} has no arch '{name}'; it has {string.Join(", ", Definition.Arches.Values)}"))];
    }
}

/// <summary>A package as an index lists it, whatever the protocol.</summary>
/// <param name="FullVersion">As the distro's tools print it.</param>
/// <param name="Size">Bytes; null where the index does not tell.</param>
/// <param name="Checksum">Null where the index does not tell.</param>
public sealed record ListedPackage(PackageName Name, string FullVersion, long? Size, Checksum? Checksum);

/// <summary>The crawl as a whole cannot go on; the message says why.</summary>
public sealed class CrawlException(string message, Exception? inner = null) : Exception(message, inner);

internal static class Exceptions
{
    /// <summary>The same exception, thrown on with the stack that it came with.</summary>
    public static Exception Rethrown(this Exception e)
    {
        System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(e);
        return e;
    }
}
