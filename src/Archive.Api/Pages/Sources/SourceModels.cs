using Archive.Api.Kernels;
using Archive.Store.Catalogue;

namespace Archive.Api.Pages.Sources;

/// <summary>States of sources and runs as marks and words.</summary>
internal static class SourceWords
{
    /// <summary>The class of marks and colours.</summary>
    public static string Mark(string state) => state switch { "ok" => "published", "running" => "native", "waiting" => "missing", "off" => "withdrawn", _ => "failed" };

    public static string Of(string state) => state switch
    {
        "ok" => "Went through",
        "running" => "Under way",
        "waiting" => "Not crawled yet",
        "off" => "Not scheduled",
        "partial" => "Parts could not be read",
        _ => "Failing",
    };

    public static string Mark(CrawlRunState state) => state switch { CrawlRunState.Complete => "published", CrawlRunState.Running => "native", _ => "failed" };

    public static string Of(CrawlRunState state) => state switch
    {
        CrawlRunState.Complete => "Went through",
        CrawlRunState.Running => "Under way",
        CrawlRunState.Partial => "Parts could not be read",
        CrawlRunState.Interrupted => "Interrupted",
        _ => "Failed",
    };
}

/// <param name="CanCrawl">Whether this process crawls at all.</param>
public sealed record SourcesModel(IReadOnlyList<SourceStatus> Sources, IReadOnlyList<CrawlRunRecord> Runs, bool CanCrawl);

/// <param name="Failures">Latest builds of the distro that failed, of so many.</param>
public sealed record SourceModel(SourceStatus Source, IReadOnlyList<CrawlRunRecord> Runs, IReadOnlyList<RosterBuild> Failures, int FailureCount, bool CanCrawl, string? Done);
