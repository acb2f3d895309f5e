using Archive.Store.Catalogue;

namespace Archive.Api.Pages.Sources;

/// <summary>A source and how its latest crawl went.</summary>
/// <param name="Schedule">Quartz cron expression; null where this process does not crawl it.</param>
/// <param name="Latest">Null where it was never crawled.</param>
public sealed record SourceState(string Name, string? Schedule, CrawlRunRecord? Latest)
{
    /// <summary>The state of marks and colours.</summary>
    public static string Of(CrawlRunRecord? run) => run switch
    {
        null => "missing",
        { Finished: null } => "native",
        { Result.Error: not null } => "failed",
        _ => "published",
    };

    /// <summary>In words.</summary>
    public static string Words(CrawlRunRecord? run) => run switch
    {
        null => "Never crawled",
        { Finished: null } => "Under way",
        { Result.Error: not null } => "Ended with errors",
        _ => "Went through",
    };
}

/// <param name="CanCrawl">Whether this process crawls at all.</param>
public sealed record SourcesModel(IReadOnlyList<SourceState> Sources, IReadOnlyList<CrawlRunRecord> Runs, bool CanCrawl);

/// <param name="Failures">Latest builds of the distro that failed.</param>
public sealed record SourceModel(SourceState State, IReadOnlyList<CrawlRunRecord> Runs, IReadOnlyList<Archive.Api.Kernels.RosterBuild> Failures, int FailureCount, bool CanCrawl, string? Done);
