using AngleSharp.Dom;
using AngleSharp.Html.Parser;

namespace Archive.Pages.Tests;

/// <summary>What holds of the HTML of every page.</summary>
internal static class PageMarkup
{
    private const int MaxBytes = 100 * 1000;

    public static IDocument Parse(string html) => new HtmlParser().ParseDocument(html);

    /// <summary>Fails where a page has script, style or handlers of its own, asks for things of other servers, or is too large.</summary>
    public static IDocument Check(string html, string path)
    {
        var page = Parse(html);
        Assert.True(System.Text.Encoding.UTF8.GetByteCount(html) < MaxBytes, $"{path} has {html.Length} characters");
        Assert.All(page.QuerySelectorAll("script"), script => Assert.True(script.TextContent.Length == 0 && script.GetAttribute("src")!.StartsWith('/'), $"{path}: inline script"));
        Assert.Empty(page.QuerySelectorAll("style, [style], iframe, object, embed"));
        Assert.All(page.All.SelectMany(element => element.Attributes), attribute => Assert.False(attribute.Name.StartsWith("on", StringComparison.OrdinalIgnoreCase), $"{path}: {attribute.Name}"));
        Assert.All(page.QuerySelectorAll("[src], link[href]"), element => Assert.StartsWith("/", element.GetAttribute("src") ?? element.GetAttribute("href")));
        Assert.Equal("en", page.DocumentElement.GetAttribute("lang"));
        Assert.Single(page.QuerySelectorAll("h1"));
        Assert.All(page.QuerySelectorAll("[id]").GroupBy(element => element.Id), ids => Assert.True(ids.Count() == 1, $"{path}: id {ids.Key} stands {ids.Count()} times"));
        return page;
    }

    /// <summary>Paths of this server that a page leads to, those that are relative to it too.</summary>
    public static IEnumerable<string> Links(IDocument page, string path) => page.QuerySelectorAll("a[href], form:not([method=post])[action], link[href], script[src]")
        .Select(element => element.GetAttribute("href") ?? element.GetAttribute("action") ?? element.GetAttribute("src")!)
        .Where(link => !link.Contains("://", StringComparison.Ordinal))
        .Select(link => new Uri(new Uri("http://localhost" + path), link).PathAndQuery)
        .Distinct();
}
