using System.Data.Common;
using Archive.Crawler.Runs;
using Archive.Crawler.Sources;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Quartz;

namespace Archive.Crawler.Scheduling;

/// <summary>
/// One kernel from its packages to its publication, by whichever worker takes it. The store keeps the job until it is done; where its worker
/// died it is run again, and finds by the catalogue how far it came: a publication is the same bytes every time.
/// </summary>
[DisallowConcurrentExecution]
internal sealed class ExtractionJob(CrawlFactory crawls, CrawlerOptions options, IHostApplicationLifetime lifetime, TimeProvider clock, ILogger<ExtractionJob> log, ILogger<CrawlJob> progress) : IJob
{
    public const string Group = "extract", WorkKey = "work";

    private const int MaxAttempts = 5;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5), Later = TimeSpan.FromMinutes(1);

    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken)
    {
        var work = ExtractionWork.Parse(context.MergedJobDataMap.GetString(WorkKey)!);
        if (!HasRoom(work))
        {
            log.LogWarning("{Kernel}: too little disk here; left to another worker", work.Found.Build.Key);
            await PutBackAsync(context, Later);
            return;
        }
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifetime.ApplicationStopping);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await crawls.Create(work.Request.Source).SeeThroughAsync(work.Found, work.Request, new CrawlJob.LogProgress(progress), stopping.Token);
                return;
            }
            catch (DbException e) when (attempt < MaxAttempts)
            {
                log.LogWarning("{Kernel}: the catalogue is away, trying again: {Reason}", work.Found.Build.Key, e.Message);
                await Task.Delay(Pause, clock, stopping.Token);
            }
            catch (CrawlException e)
            {
                log.LogError("{Kernel}: {Reason}", work.Found.Build.Key, e.Message);
                await PutBackAsync(context, Later);
                return;
            }
        }
    }

    /// <summary>The image alone is spooled, which is a few times its package's size.</summary>
    private bool HasRoom(ExtractionWork work) =>
        new DriveInfo(crawls.DataDirectory).AvailableFreeSpace >= Math.Max(options.MinFreeBytes, 4 * work.Found.Build.PackageSize);

    /// <summary>Another trigger of the same job: the job stays, and any worker may take it.</summary>
    private async Task PutBackAsync(IJobExecutionContext context, TimeSpan delay) => await context.Scheduler.ScheduleJob(
        context.Trigger.GetTriggerBuilder().WithIdentity($"{context.JobDetail.Key.Name}-{Guid.NewGuid():n}", Group).StartAt(clock.GetUtcNow() + delay).Build());
}
