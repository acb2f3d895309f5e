using System.Globalization;
using Archive.Crawler.Http;

namespace Archive.Crawler.Protocols.Apt;

/// <summary>A package as an index lists it.</summary>
/// <param name="Size">Bytes.</param>
/// <param name="Sha256">Lower-case hex.</param>
public sealed record AptPackage(string Name, string Version, string Architecture, string Filename, long Size, string Sha256);

/// <summary>The Packages index of one component and architecture of a suite.</summary>
public static class AptPackages
{
    private const string NameField = "Package:";

    /// <summary>Compressions in the order of preference: what costs the mirror least first.</summary>
    private static readonly string[] Extensions = [".xz", ".zst", ".gz", ".bz2", ""];

    /// <summary>Gives out the packages whose name the caller wants, as they are read; none where the suite has no such component or architecture.</summary>
    /// <remarks>What was given out before an exception came of an index that is not to be believed.</remarks>
    /// <exception cref="MirrorException">The mirror has not what its Release lists.</exception>
    /// <exception cref="Btf.MalformedInputException">The index does not decompress.</exception>
    public static async Task FetchAsync(
        IndexCache cache, AptRelease release, string component, string architecture, Func<string, bool> wanted, Action<AptPackage> take, CancellationToken cancellation)
    {
        var stem = $"{component}/binary-{architecture}/Packages";
        var file = Extensions.Select(e => release.Files.GetValueOrDefault(stem + e)).FirstOrDefault(f => f is not null);
        if (file is null)
            return;
        await using var index = await OpenAsync(cache, release, file, cancellation);
        Parse(index, file.Name, wanted, take);
    }

    private static async Task<Stream> OpenAsync(IndexCache cache, AptRelease release, ReleaseFile file, CancellationToken cancellation)
    {
        var folder = new Uri(release.Mirror, $"dists/{release.Suite}/");
        var key = $"{folder}{file.Name}";
        var plain = new Uri(folder, file.Name);
        if (!release.ByHash)
            return await cache.OpenExactAsync(plain, key, file.Size, Checksum.Sha256(file.Sha256), cancellation);
        try
        {
            var byHash = new Uri(plain, $"by-hash/SHA256/{file.Sha256}");
            return await cache.OpenExactAsync(byHash, key, file.Size, Checksum.Sha256(file.Sha256), cancellation);
        }
        catch (MirrorException e) when (e.IsMissing)
        {
            return await cache.OpenExactAsync(plain, key, file.Size, Checksum.Sha256(file.Sha256), cancellation);
        }
    }

    private static void Parse(Stream index, string name, Func<string, bool> wanted, Action<AptPackage> take)
    {
        using var text = PackedIndex.Open(index, name);
        using var reader = new StreamReader(text);
        foreach (var paragraph in Deb822.Read(reader, name, MayBeWanted))
        {
            if (paragraph.GetValueOrDefault("Package") is { } package && wanted(package))
                take(Read(paragraph, package, name));
        }

        // Nearly every paragraph begins with its package's name; the few others are read to tell.
        bool MayBeWanted(string first) => !first.StartsWith(NameField, StringComparison.Ordinal) || wanted(first[NameField.Length..].Trim());
    }

    private static AptPackage Read(Dictionary<string, string> paragraph, string package, string index)
    {
        var size = Field("Size");
        var sha256 = Field("SHA256").ToLowerInvariant();
        if (!long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes))
            throw new AptFormatException(index, 0, $"{package}: '{size}' is no size");
        if (sha256.Length != 64 || !sha256.All(char.IsAsciiHexDigitLower))
            throw new AptFormatException(index, 0, $"{package}: '{sha256}' is no SHA256");
        var path = Field("Filename");
        if (path.StartsWith('/') || path.Split('/').Contains(".."))
            throw new AptFormatException(index, 0, $"{package}: '{path}' leaves the mirror");
        return new AptPackage(package, Field("Version"), Field("Architecture"), path, bytes, sha256);

        string Field(string field) => paragraph.GetValueOrDefault(field)
            ?? throw new AptFormatException(index, 0, $"{package}: has no {field}");
    }
}
