using System.Globalization;
using System.Xml;
using System.Xml.Linq;
using Archive.Crawler.Http;

namespace Archive.Crawler.Protocols.RpmMd;

/// <summary>A place that has a repository.</summary>
/// <param name="Url">Ends with a slash; <c>repodata/</c> is below it.</param>
/// <param name="Digests">What the list that named the place says of repomd.xml: one of these; none where it says nothing.</param>
public sealed record RpmMdSite(Uri Url, IReadOnlyList<Checksum> Digests);

/// <summary>A file of metadata as repomd.xml lists it.</summary>
/// <param name="Size">Bytes; null where repomd.xml does not tell.</param>
public sealed record RpmMdFile(string Type, string Location, long? Size, Checksum Checksum);

/// <summary>A repository's repomd.xml: the root of trust of everything below it.</summary>
/// <param name="Fingerprints">Of the keys that signed it; none where no keyring was given.</param>
public sealed record RpmMdRepository(Uri Base, Uri Url, string Sha256, IReadOnlyList<string> Fingerprints, IReadOnlyList<RpmMdFile> Files)
{
    /// <exception cref="MirrorException">The site has no such repository, did not answer, or has another repomd.xml than its list says.</exception>
    /// <exception cref="SignatureException">The signature is missing, bad, or of no known key.</exception>
    /// <exception cref="IndexFormatException">It is no repomd.xml.</exception>
    public static async Task<RpmMdRepository> FetchAsync(IndexCache cache, SignatureVerifier? verifier, RpmMdSite site, CancellationToken cancellation)
    {
        var url = new Uri(site.Url, "repodata/repomd.xml");
        var bytes = await cache.GetCurrentAsync(url, cancellation);
        if (site.Digests.Count > 0 && !site.Digests.Any(d => d.Fits(bytes)))
            throw new MirrorException(url, $"has SHA-256 {IndexCache.Digest(bytes)}, its metalink knows others");
        IReadOnlyList<string> fingerprints = [];
        if (verifier is not null)
            fingerprints = await VerifyAsync(cache, verifier, url, bytes, cancellation);
        return new RpmMdRepository(site.Url, url, IndexCache.Digest(bytes), fingerprints, Parse(url, bytes));
    }

    private static async Task<IReadOnlyList<string>> VerifyAsync(IndexCache cache, SignatureVerifier verifier, Uri url, byte[] bytes, CancellationToken cancellation)
    {
        try
        {
            var signature = await cache.GetCurrentAsync(new Uri(url.AbsoluteUri + ".asc"), cancellation);
            return (await verifier.VerifyAsync(url.ToString(), bytes, signature, cancellation)).Fingerprints;
        }
        catch (MirrorException e) when (e.IsMissing)
        {
            throw new SignatureException($"{url}: is not signed: {e.Message}");
        }
    }

    internal static IReadOnlyList<RpmMdFile> Parse(Uri url, byte[] bytes)
    {
        try
        {
            using var reader = RpmMdXml.Open(new MemoryStream(bytes));
            var root = XDocument.Load(reader).Root;
            if (root?.Name.LocalName != "repomd")
                throw new IndexFormatException($"{url}: has the root element '{root?.Name.LocalName}'");
            return [.. root.Elements().Where(e => e.Name.LocalName == "data").Select(e => ReadFile(url, e))];
        }
        catch (XmlException e)
        {
            throw new IndexFormatException($"{url}: {e.Message}", e);
        }
    }

    private static RpmMdFile ReadFile(Uri url, XElement data)
    {
        var type = data.Attribute("type")?.Value ?? throw new IndexFormatException($"{url}: a <data> has no type");
        var location = Child("location")?.Attribute("href")?.Value;
        if (location is null || !RpmMdXml.IsRelative(location))
            throw new IndexFormatException($"{url}: the location '{location}' of {type} leaves the repository");
        var checksum = Checksum.Parse(Child("checksum")?.Attribute("type")?.Value, Child("checksum")?.Value)
            ?? throw new IndexFormatException($"{url}: '{Child("checksum")}' is no checksum of {type}");
        var size = long.TryParse(Child("size")?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : (long?)null;
        return new RpmMdFile(type, location, size, checksum);

        XElement? Child(string name) => data.Elements().FirstOrDefault(e => e.Name.LocalName == name);
    }
}

/// <summary>XML of repositories, which can state whatever it likes: no DTD, nothing fetched, bounded.</summary>
internal static class RpmMdXml
{
    private const long MaxCharacters = 16L << 30;

    public static XmlReader Open(Stream stream) => XmlReader.Create(stream, new XmlReaderSettings
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        IgnoreComments = true,
        IgnoreWhitespace = true,
        IgnoreProcessingInstructions = true,
        MaxCharactersInDocument = MaxCharacters,
        CloseInput = true,
    });

    /// <summary>A path that stays below the repository.</summary>
    public static bool IsRelative(string path) =>
        path.Length is > 0 and < 4096 && path[0] is not ('/' or '\\') && !path.Contains(':', StringComparison.Ordinal) && !path.Split('/', '\\').Contains("..");
}
