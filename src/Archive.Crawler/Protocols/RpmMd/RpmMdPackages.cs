using System.Globalization;
using System.Xml;
using Archive.Crawler.Http;
using Archive.Crawler.Sources;

namespace Archive.Crawler.Protocols.RpmMd;

/// <summary>A package of a repository.</summary>
/// <param name="Location">Below the repository, or an absolute URL where the index says xml:base.</param>
public sealed record RpmMdPackage(ListedPackage Package, string Location);

/// <summary>The primary index of a repository, as XML or as a SQLite database.</summary>
public static class RpmMdPackages
{
    /// <summary>Packages that the caller wants. The index is streamed: what is not wanted costs no memory.</summary>
    /// <exception cref="MirrorException">The mirror has not what its repomd.xml lists.</exception>
    /// <exception cref="IndexFormatException">The index is no such index.</exception>
    /// <exception cref="Btf.MalformedInputException">It does not decompress.</exception>
    public static async Task<IReadOnlyList<RpmMdPackage>> FetchAsync(
        IndexCache cache, RpmMdRepository repository, Func<PackageName, bool> wanted, CancellationToken cancellation)
    {
        var file = Find("primary") ?? Find("primary_db") ?? throw new IndexFormatException($"{repository.Url}: lists no primary index");
        var url = new Uri(repository.Base, file.Location);
        await using var index = await cache.OpenExactAsync(url, $"{repository.Base}{file.Type}", file.Size, file.Checksum, cancellation);
        using var unpacked = PackedIndex.Open(index, url.ToString());
        return await Task.Run(() => file.Type == "primary" ? ReadXml(url, unpacked, wanted) : RpmMdDatabase.Read(url, unpacked, wanted), cancellation);

        RpmMdFile? Find(string type) => repository.Files.FirstOrDefault(f => f.Type == type);
    }

    internal static IReadOnlyList<RpmMdPackage> ReadXml(Uri url, Stream xml, Func<PackageName, bool> wanted)
    {
        var packages = new List<RpmMdPackage>();
        try
        {
            using var reader = RpmMdXml.Open(xml);
            while (reader.Read())
            {
                if (reader is { NodeType: XmlNodeType.Element, LocalName: "package", Depth: 1 } && ReadPackage(url, reader, wanted) is { } package)
                    packages.Add(package);
            }
            return packages;
        }
        catch (XmlException e)
        {
            throw new IndexFormatException($"{url}: {e.Message}", e);
        }
    }

    /// <summary>Name, arch and version come before everything else; a package that is not wanted is left there.</summary>
    private static RpmMdPackage? ReadPackage(Uri url, XmlReader reader, Func<PackageName, bool> wanted)
    {
        var fields = new Fields();
        var depth = reader.Depth;
        while (reader.Read() && reader.Depth > depth)
        {
            if (reader.NodeType != XmlNodeType.Element || reader.Depth != depth + 1)
                continue;
            fields.Take(reader);
            if (fields.PackageName is { } name && !fields.IsWanted && !(fields.IsWanted = wanted(name)))
            {
                Leave(reader, depth);
                return null;
            }
        }
        return fields.IsWanted ? fields.ToPackage(url) : null;
    }

    private static void Leave(XmlReader reader, int depth)
    {
        while (reader.Depth > depth && reader.Read())
        {
        }
    }

    /// <summary>What an index says of a package, be it in elements or in columns.</summary>
    internal sealed class Fields
    {
        public string? Name, Arch, Epoch, Version, Release, Size, ChecksumType, ChecksumText, Location, Base;

        public bool IsWanted { get; set; }

        public PackageName? PackageName => Name is not null && Arch is not null && Version is not null && Release is not null
            ? new PackageName(Name, Version, Release, Arch)
            : null;

        public void Take(XmlReader reader)
        {
            switch (reader.LocalName)
            {
                case "name":
                    Name = reader.ReadString();
                    break;
                case "arch":
                    Arch = reader.ReadString();
                    break;
                case "version":
                    (Epoch, Version, Release) = (reader.GetAttribute("epoch"), reader.GetAttribute("ver"), reader.GetAttribute("rel"));
                    break;
                case "checksum":
                    (ChecksumType, ChecksumText) = (reader.GetAttribute("type"), reader.ReadString());
                    break;
                case "size":
                    Size = reader.GetAttribute("package");
                    break;
                case "location":
                    (Location, Base) = (reader.GetAttribute("href"), reader.GetAttribute("base", "http://www.w3.org/XML/1998/namespace"));
                    break;
            }
        }

        /// <exception cref="IndexFormatException">Something is missing or wrong.</exception>
        public RpmMdPackage ToPackage(Uri index)
        {
            var name = PackageName!.Value;
            var checksum = Checksum.Parse(ChecksumType, ChecksumText) ?? throw Wrong($"'{ChecksumType} {ChecksumText}' is no checksum");
            if (!long.TryParse(Size, NumberStyles.None, CultureInfo.InvariantCulture, out var size))
                throw Wrong($"'{Size}' is no size");
            if (Location is null || !RpmMdXml.IsRelative(Location))
                throw Wrong($"'{Location}' leaves the repository");
            var epoch = Epoch is null or "0" or "" ? "" : Epoch + ":";
            return new RpmMdPackage(new ListedPackage(name, $"{epoch}{name.Version}-{name.Release}", size, checksum), Located(Location));

            IndexFormatException Wrong(string problem) => new($"{index}: {name.Name}: {problem}");
        }

        /// <summary>A repository may keep its packages elsewhere; only the web counts.</summary>
        private string Located(string location) =>
            Uri.TryCreate(Base, UriKind.Absolute, out var other) && other.Scheme is "http" or "https" ? new Uri(other, location).AbsoluteUri : location;
    }
}
