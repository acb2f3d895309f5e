using Archive.Crawler.Runs;
using Archive.Crawler.Sources;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quartz;

namespace Archive.Crawler.Scheduling;

/// <summary>
/// A crawl as a durable job. Quartz keeps two crawls of one source from running at once, and runs a crawl again that a
/// killed process left unfinished; that costs nothing, since what was published is not fetched again.
/// </summary>
[DisallowConcurrentExecution]
internal sealed class CrawlJob(CrawlFactory crawls, CrawlerOptions options, IHostApplicationLifetime lifetime, ILogger<CrawlJob> log, ExtractionQueue? queue = null) : IJob
{
    public const string SourceKey = "source";

    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken)
    {
        var source = context.MergedJobDataMap.GetString(SourceKey)!;
        var manual = ManualCrawl.Of(context.MergedJobDataMap);
        var settings = options.Sources.GetValueOrDefault(source);
        if (manual is null && settings is not { Enabled: true })
        {
            log.LogInformation("Crawl of {Source} is switched off", source);
            return;
        }
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        try
        {
            var request = (settings ?? new SourceOptions()).ToRequest(source);
            var result = await crawls.Create(source).RunAsync(manual?.ApplyTo(request) ?? request, new LogProgress(log), stopping.Token, queue is null ? null : queue.AddAsync);
            log.LogInformation("Crawl of {Source}: {Found} found, {New} new, {Published} published, {Failed} failed",
                source, result.Found, result.New, result.Published, result.Failed);
        }
        catch (Exception e) when (e is CrawlException or SourceDefinitionException)
        {
            // Recorded with the run; the schedule comes back to it.
            log.LogError("Crawl of {Source} failed: {Reason}", source, e.Message);
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            log.LogInformation("Crawl of {Source} stopped", source);
            if (queue is not null)
                throw; // The cluster's store keeps it, for another worker.
        }
    }

    internal sealed class LogProgress(ILogger log) : IProgress<CrawlEvent>
    {
        public void Report(CrawlEvent value)
        {
            switch (value)
            {
                case SuiteFailed e:
                    log.LogWarning("{Suite}: {Reason}", e.Suite, e.Reason);
                    break;
                case Planned e:
                    log.LogInformation("{Selected} kernels selected, {Todo} to fetch, {Bytes} bytes", e.Selected.Count, e.Todo.Count, e.Todo.Sum(b => b.PackageSize));
                    break;
                case KernelStarted e:
                    log.LogInformation("{Kernel}: fetching {Package} {PackageVersion}, {Bytes} bytes", e.Build.Key, e.Build.PackageName, e.Build.PackageVersion, e.Build.PackageSize);
                    break;
                case MirrorPassedOver e:
                    log.LogWarning("{Kernel}: {Reason}; asking the next mirror", e.Build.Key, e.Reason);
                    break;
                case KernelPassedOver e:
                    log.LogInformation("{Kernel}: {Reason}", e.Build.Key, e.Reason);
                    break;
            }
        }
    }
}
