using System.Text;
using System.Xml;
using System.Xml.Linq;
using Archive.Crawler.Http;

namespace Archive.Crawler.Protocols.RpmMd;

/// <summary>Files that say which mirrors have a repository.</summary>
public static class MirrorLists
{
    private const int MaxSites = 10;
    private const string Repomd = "repodata/repomd.xml";

    /// <summary>A base URL a line, as yum's mirrorlist and Amazon's mirror.list.</summary>
    /// <exception cref="MirrorException">The list cannot be had.</exception>
    /// <exception cref="IndexFormatException">It names no mirror.</exception>
    public static async Task<IReadOnlyList<RpmMdSite>> PlainAsync(IndexCache cache, Uri list, string arch, CancellationToken cancellation)
    {
        var text = Encoding.UTF8.GetString(await cache.GetCurrentAsync(list, cancellation));
        var sites = text.Split('\n').Select(l => l.Trim()).Where(l => l.Length > 0 && l[0] != '#')
            .Select(l => l.Replace("$basearch", arch, StringComparison.Ordinal).Replace("$arch", arch, StringComparison.Ordinal).TrimEnd('/') + "/")
            .Select(l => Web(l)).OfType<Uri>().Take(MaxSites).Select(u => new RpmMdSite(u, [])).ToList();
        return sites.Count > 0 ? sites : throw new IndexFormatException($"{list}: names no mirror");
    }

    /// <summary>Metalink 3 as Fedora's MirrorManager writes it, with the digests of the repomd.xml that the mirrors should have.</summary>
    /// <exception cref="MirrorException">The metalink cannot be had.</exception>
    /// <exception cref="IndexFormatException">It is none, or names no mirror.</exception>
    public static async Task<IReadOnlyList<RpmMdSite>> MetalinkAsync(IndexCache cache, Uri metalink, CancellationToken cancellation)
    {
        var bytes = await cache.GetCurrentAsync(metalink, cancellation);
        try
        {
            using var reader = RpmMdXml.Open(new MemoryStream(bytes));
            var elements = XDocument.Load(reader).Descendants().ToList();
            // The file's own digests and, below mm0:alternates, those of recent versions that mirrors may still have.
            var digests = elements.Where(e => e.Name.LocalName == "hash").Select(e => Checksum.Parse(e.Attribute("type")?.Value, e.Value)).OfType<Checksum>().ToList();
            var sites = elements.Where(e => e.Name.LocalName == "url" && e.Value.Trim().EndsWith("/" + Repomd, StringComparison.Ordinal))
                .OrderByDescending(e => int.TryParse(e.Attribute("preference")?.Value, out var preference) ? preference : 0)
                .Select(e => Web(e.Value.Trim()[..^Repomd.Length])).OfType<Uri>().Take(MaxSites)
                .Select(u => new RpmMdSite(u, digests)).ToList();
            return sites.Count > 0 ? sites : throw new IndexFormatException($"{metalink}: names no mirror");
        }
        catch (XmlException e)
        {
            throw new IndexFormatException($"{metalink}: {e.Message}", e);
        }
    }

    private static Uri? Web(string text) => Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? url : null;
}
