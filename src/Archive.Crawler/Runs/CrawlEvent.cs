using Archive.Extractor;
using Archive.Store.Kernels;

namespace Archive.Crawler.Runs;

/// <summary>What happens in a crawl, for those who watch: a terminal, a log.</summary>
public abstract record CrawlEvent;

/// <param name="Found">Kernel packages in the suite that the request is about.</param>
public sealed record SuiteRead(string Suite, string Arch, int Found) : CrawlEvent;

public sealed record SuiteSkipped(string Suite, string Reason) : CrawlEvent;

/// <summary>The suite could not be read or trusted; the others go on.</summary>
public sealed record SuiteFailed(string Suite, string Reason) : CrawlEvent;

/// <param name="Selected">Builds that the request is about.</param>
/// <param name="Todo">Those of them that are to be fetched now.</param>
public sealed record Planned(IReadOnlyList<KernelBuild> Selected, IReadOnlyList<KernelBuild> Todo) : CrawlEvent;

public sealed record KernelStarted(KernelBuild Build, Uri Url) : CrawlEvent;

/// <param name="DownloadedBytes">Of the package.</param>
public sealed record KernelProgress(KernelBuild Build, ExtractionStage Stage, long DownloadedBytes) : CrawlEvent;

/// <summary>A mirror sent something else than the index promises, or nothing; the next one is asked.</summary>
public sealed record MirrorPassedOver(KernelBuild Build, string Reason) : CrawlEvent;

/// <summary>Another process works on the build, or has just finished it.</summary>
public sealed record KernelPassedOver(KernelBuild Build, string Reason) : CrawlEvent;

public sealed record KernelFinished(KernelBuild Build, Outcome Outcome, string? Reason, TimeSpan Elapsed, long DownloadedBytes) : CrawlEvent;
