namespace Archive.Crawler.Imports;

/// <summary>Where something to import is: a URL (http, https), or a file or folder of this machine. One of the two is null.</summary>
public sealed record ImportPlace(Uri? Url, string? Path)
{
    private static readonly string[] Tars = [".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.zst", ".tar.bz2"];

    /// <summary>Whether the URL is a tarball's, and not the base of a tree.</summary>
    public bool IsTarUrl => Url is not null && Tars.Any(t => Url.AbsolutePath.EndsWith(t, StringComparison.OrdinalIgnoreCase));

    /// <exception cref="CrawlImportException">It is neither; or it has a password in it, which provenance and logs would show to everybody.</exception>
    public static ImportPlace Parse(string place)
    {
        if (Uri.TryCreate(place, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
        {
            return url.UserInfo.Length == 0
                ? new ImportPlace(url, null)
                : throw new CrawlImportException($"'{new UriBuilder(url) { UserName = "", Password = "" }.Uri}' was given with a password, which would be published as its provenance: fetch it, and import the file");
        }
        return File.Exists(place) || Directory.Exists(place)
            ? new ImportPlace(null, System.IO.Path.GetFullPath(place))
            : throw new CrawlImportException($"'{place}' is no folder, no file and no URL");
    }
}

/// <summary>What is to be imported cannot be read at all; the message names it.</summary>
public sealed class CrawlImportException(string message, Exception? inner = null) : Exception(message, inner);
