using System.Collections;

namespace Archive.Crawler.Sources;

/// <summary>A file by its URLs on all sites that carry it, made when they are asked for: a listing has very many, of which few are.</summary>
/// <param name="path">Below each site, or an absolute URL, which then stands for all.</param>
internal sealed class MirroredFile(IReadOnlyList<Uri> sites, string path) : IReadOnlyList<Uri>
{
    public int Count => sites.Count;

    public Uri this[int index] => new(sites[index], path);

    public IEnumerator<Uri> GetEnumerator() => sites.Select(site => new Uri(site, path)).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
