using System.Text.Json;
using Archive.Crawler.Http;
using Archive.Crawler.Protocols;
using Archive.Crawler.Runs;
using Archive.Store.Provenance;

namespace Archive.Crawler.Sources;

/// <summary>
/// Lists the kernel packages that Launchpad keeps of Ubuntu after the archive dropped them: its API's published binaries
/// (launchpad.net/+apidoc/devel, archive.getPublishedBinaries), page by page. Neither size nor digest is told.
/// </summary>
/// <remarks>The repository's name is the series; its packages are files of the builds that made them.</remarks>
public sealed class LaunchpadSource(SourceDefinition definition, IndexCache cache, HostIdentity host) : RepositorySource(definition, host)
{
    private const int MaxPages = 2000;

    /// <summary>The API answers by series and arch.</summary>
    protected override IEnumerable<ListingPart> PartsOf(ReleaseDefinition release, RepositoryDefinition repository, IReadOnlyList<string> arches) =>
        PerArch(release, repository, arches);

    protected override Task<IReadOnlyList<FoundPackage>> ReadAsync(
        ListingPart part, CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation) =>
        FirstGoodAsync(part, UrlsOf(part, request), u => u, sites => ReadSeriesAsync(sites[0], part, cancellation), progress);

    private async Task<List<FoundPackage>> ReadSeriesAsync(Uri api, ListingPart part, CancellationToken cancellation)
    {
        var series = new Uri(api, $"devel/ubuntu/{part.Repository.Name}/{part.Arches[0]}");
        var first = new Uri(api, $"devel/ubuntu/+archive/primary?ws.op=getPublishedBinaries&binary_name=linux-image-&distro_arch_series={Uri.EscapeDataString(series.AbsoluteUri)}&ws.size=300");
        var found = new List<FoundPackage>();
        var pages = 0;
        for (Uri? page = first; page is not null; pages++)
        {
            if (pages == MaxPages)
                throw new IndexFormatException($"{first}: has more than {MaxPages} pages");
            var json = await cache.GetCurrentAsync(page, cancellation);
            var index = new ProvenanceIndex(page, IndexCache.Digest(json), false, []) { Unverified = Definition.Unverified };
            page = ReadPage(page, json, entry => Take(entry, part, index, found));
        }
        return found;
    }

    /// <returns>The next page; null at the end.</returns>
    private static Uri? ReadPage(Uri url, byte[] json, Action<JsonElement> take)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            foreach (var entry in document.RootElement.GetProperty("entries").EnumerateArray())
                take(entry);
            if (!document.RootElement.TryGetProperty("next_collection_link", out var link) || link.GetString() is not { } next)
                return null;
            // Paging must not lead elsewhere.
            return Uri.TryCreate(next, UriKind.Absolute, out var target) && target.Authority == url.Authority && target != url
                ? target
                : throw new IndexFormatException($"{url}: the next page is '{next}'");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new IndexFormatException($"{url}: {e.Message}", e);
        }
    }

    private void Take(JsonElement entry, ListingPart part, ProvenanceIndex index, List<FoundPackage> found)
    {
        if (!IsPublic(entry) || Text(entry, "build_link") is not { } build || !Uri.TryCreate(build, UriKind.Absolute, out var api))
            return;
        var (name, version) = (Text(entry, "binary_package_name") ?? "", Text(entry, "binary_package_version") ?? "");
        var package = new ListedPackage(new PackageName(name, version, "", part.Arches[0]), version, null, null);
        if (Describe(package, part, index, [FileOf(api, $"{name}_{version[(version.IndexOf(':', StringComparison.Ordinal) + 1)..]}_{part.Arches[0]}.ddeb")]) is { } kernel)
            found.Add(kernel);
    }

    /// <summary>What was only proposed, or deleted without a successor, never was a kernel of anybody.</summary>
    private static bool IsPublic(JsonElement entry) => Text(entry, "pocket") != "Proposed"
        && (Text(entry, "status") is "Published" or "Superseded" || Text(entry, "status") == "Deleted" && Text(entry, "date_superseded") is not null);

    /// <summary>The file's page is the build's on the web site: <c>api.launchpad.net/devel/…/+build/1</c> → <c>launchpad.net/…/+build/1/+files/NAME</c>.</summary>
    private static Uri FileOf(Uri build, string file)
    {
        var host = build.Host.StartsWith("api.", StringComparison.Ordinal) ? build.Host["api.".Length..] : build.Host;
        var path = build.AbsolutePath.StartsWith("/devel/", StringComparison.Ordinal) ? build.AbsolutePath["/devel".Length..] : build.AbsolutePath;
        return new UriBuilder(build) { Host = host, Path = $"{path}/+files/{file}" }.Uri;
    }

    private static string? Text(JsonElement entry, string name) => entry.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
