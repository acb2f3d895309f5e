using System.Globalization;
using System.Text.Json;
using Archive.Crawler.Http;
using Archive.Crawler.Protocols;
using Archive.Crawler.Runs;
using Archive.Store.Kernels;
using Archive.Store.Provenance;

namespace Archive.Crawler.Sources;

/// <summary>
/// Lists the kernel packages that Debian ever had, by snapshot.debian.org's machine-readable interface
/// (salsa.debian.org/snapshot-team/snapshot, API): versions of a source package → its binary packages → files with sizes and SHA-1.
/// </summary>
/// <remarks>The repository's name is the source package; the release of a kernel is told by its uname.</remarks>
public sealed class SnapshotSource(SourceDefinition definition, IndexCache cache, HostIdentity host) : RepositorySource(definition, host)
{
    protected override IEnumerable<ListingPart> PartsOf(ReleaseDefinition release, RepositoryDefinition repository, IReadOnlyList<string> arches) =>
        PerArch(release, repository, arches);

    protected override Task<IReadOnlyList<FoundPackage>> ReadAsync(
        ListingPart part, CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation) =>
        FirstGoodAsync(part, UrlsOf(part, request), u => u, sites => ReadPackageAsync(sites[0], part, cancellation), progress);

    private async Task<List<FoundPackage>> ReadPackageAsync(Uri site, ListingPart part, CancellationToken cancellation)
    {
        var found = new List<FoundPackage>();
        var url = new Uri(site, $"mr/package/{part.Repository.Name}/");
        var versions = (await ResultAsync(url, cancellation)).EnumerateArray().Select(v => Text(v, "version", url)).ToList();
        foreach (var version in versions)
        {
            var binaries = new Uri(site, $"mr/package/{part.Repository.Name}/{Uri.EscapeDataString(version)}/binpackages");
            foreach (var binary in (await ResultAsync(binaries, cancellation)).EnumerateArray())
            {
                var name = new PackageName(Text(binary, "name", binaries), Text(binary, "version", binaries), "", part.Arches[0]);
                if (Definition.Classify(name) is var (_, _, uname) && KernelNames.VersionOf(Definition.Distro, uname) == part.Release.Version)
                    found.AddRange(await FilesAsync(site, name, part, cancellation));
            }
        }
        return found;
    }

    private async Task<IEnumerable<FoundPackage>> FilesAsync(Uri site, PackageName name, ListingPart part, CancellationToken cancellation)
    {
        var url = new Uri(site, $"mr/binary/{name.Name}/{Uri.EscapeDataString(name.Version)}/binfiles?fileinfo=1");
        var json = await cache.GetCurrentAsync(url, cancellation);
        var index = new ProvenanceIndex(url, IndexCache.Digest(json), false, []) { Unverified = Definition.Unverified };
        return Read(url, json, root =>
        {
            var found = new List<FoundPackage>();
            foreach (var hash in root.GetProperty("result").EnumerateArray().Where(f => Text(f, "architecture", url) == part.Arches[0]).Select(f => Text(f, "hash", url)).Distinct())
            {
                var places = root.GetProperty("fileinfo").GetProperty(hash).EnumerateArray().ToList();
                // The same bytes under several archives and times: each is a place to fetch them from.
                var urls = places.Select(p => PlaceOf(site, p, url)).ToList();
                var size = places.Count > 0 ? places[0].GetProperty("size").GetInt64() : 0;
                if (urls.Count > 0 && Describe(new ListedPackage(name, name.Version, size, Checksum.Parse("sha1", hash)), part, index, urls) is { } kernel)
                    found.Add(kernel);
            }
            return found;
        });
    }

    private static Uri PlaceOf(Uri site, JsonElement place, Uri index)
    {
        var path = Text(place, "path", index);
        if (path.Split('/').Contains(".."))
            throw new IndexFormatException($"{index}: the path '{path}' leaves the archive");
        return new Uri(site, string.Create(CultureInfo.InvariantCulture,
            $"archive/{Uri.EscapeDataString(Text(place, "archive_name", index))}/{Uri.EscapeDataString(Text(place, "first_seen", index))}{path}/{Uri.EscapeDataString(Text(place, "name", index))}"));
    }

    private async Task<JsonElement> ResultAsync(Uri url, CancellationToken cancellation) =>
        Read(url, await cache.GetCurrentAsync(url, cancellation), root => root.GetProperty("result").Clone());

    private static T Read<T>(Uri url, byte[] json, Func<JsonElement, T> read)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return read(document.RootElement);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new IndexFormatException($"{url}: {e.Message}", e);
        }
    }

    private static string Text(JsonElement element, string name, Uri url) => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
        ? value.GetString()! : throw new IndexFormatException($"{url}: has an entry without {name}");
}
