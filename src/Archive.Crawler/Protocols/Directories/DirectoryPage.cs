using AngleSharp.Html.Parser;

namespace Archive.Crawler.Protocols.Directories;

/// <summary>The HTML page that a web server makes of a folder, or that somebody wrote: all that counts are its links.</summary>
public static class DirectoryPage
{
    private const int MaxLinks = 200_000;

    /// <summary>Files that the page links to, below the page itself, each once, in the order of the page.</summary>
    public static IReadOnlyList<Uri> FilesOf(Uri page, byte[] html) => [.. LinksOf(page, html).Where(url => !url.AbsolutePath.EndsWith('/'))];

    /// <summary>Folders likewise.</summary>
    public static IReadOnlyList<Uri> FoldersOf(Uri page, byte[] html) => [.. LinksOf(page, html).Where(url => url.AbsolutePath.EndsWith('/') && url.AbsolutePath != page.AbsolutePath)];

    private static IEnumerable<Uri> LinksOf(Uri page, byte[] html)
    {
        using var document = new HtmlParser().ParseDocument(new MemoryStream(html));
        return [.. document.QuerySelectorAll("a[href]").Take(MaxLinks)
            .Select(a => Uri.TryCreate(page, a.GetAttribute("href"), out var url) ? url : null).OfType<Uri>()
            .Where(url => page.IsBaseOf(url) && url.Query.Length == 0)
            .DistinctBy(url => url.AbsolutePath)];
    }
}
