using Archive.Crawler.Runs;
using Archive.Crawler.Sources;
using Archive.Store;
using Microsoft.Extensions.Logging.Abstractions;
using TestKit;

namespace Archive.Pages.Tests;

/// <summary>An archive of real kernels: Debian's cloud kernels of several versions, crawled once from image packages and kept in the cache.</summary>
internal static class RealArchive
{
    public const int Least = 20;

    /// <summary>A copy of it, whose blobs are links to those in the cache: nothing is ever written into a blob.</summary>
    public static void CopyTo(string folder)
    {
        var made = TestCache.Made("pages-archive", "1", Crawl);
        Tool.Run("cp", "-r", "--link", Path.Combine(made, "tree"), folder);
        Tool.Shell($"cp '{made}'/catalogue.db* '{folder}'");
    }

    private static void Crawl(string folder)
    {
        using var store = ArchiveStore.OpenAsync(new StoreOptions { DataDirectory = folder }, TimeProvider.System, default).GetAwaiter().GetResult();
        using var crawls = new CrawlFactory(store, TimeProvider.System, NullLoggerFactory.Instance, folder);
        var request = new CrawlRequest { Source = "debian", Releases = ["bookworm", "trixie"], Arches = ["amd64", "arm64"], Newest = 6, Grade = PackageGrade.Image, Modules = false };
        crawls.Create("debian").RunAsync(request, new Progress<CrawlEvent>(), default).GetAwaiter().GetResult();
    }
}
