using Archive.Crawler.Runs;
using Archive.Crawler.Sources;
using Microsoft.Extensions.DependencyInjection;
using Quartz;

namespace Archive.Crawler.Scheduling;

/// <summary>Leaves kernels to the workers: a durable job for each, of which the scheduler's store holds one at a time.</summary>
public sealed class ExtractionQueue([FromKeyedServices(CrawlerRegistration.SchedulerName)] ISchedulerFactory schedulers, TimeProvider clock)
{
    /// <summary>Prefix of the execution groups, one for each host, whose limits hold in the whole cluster.</summary>
    internal const string GroupPrefix = "extract:";

    /// <summary>Kernels that wait, or are being seen through.</summary>
    public async Task<int> DepthAsync(CancellationToken cancellation)
    {
        var scheduler = await schedulers.GetScheduler(cancellation);
        return (await scheduler.GetJobKeys(GroupMatcher<JobKey>.GroupEquals(ExtractionJob.Group), cancellation)).Count;
    }

    /// <returns>False where it waits or runs already.</returns>
    public async Task<bool> AddAsync(FoundKernel found, CrawlRequest request, CancellationToken cancellation)
    {
        var work = new ExtractionWork(found, request);
        var scheduler = await schedulers.GetScheduler(cancellation);
        var key = new JobKey(work.Name, ExtractionJob.Group);
        if (await scheduler.Exists(key, cancellation))
            return false;
        var job = JobBuilder.Create<ExtractionJob>().WithIdentity(key).UsingJobData(ExtractionJob.WorkKey, work.ToJson()).RequestRecovery().Build();
        // Waiting for a worker is no misfire.
        var trigger = TriggerBuilder.Create().WithIdentity(work.Name, ExtractionJob.Group).ForJob(key).StartAt(clock.GetUtcNow())
            .WithExecutionGroup(GroupPrefix + work.Host).WithSimpleSchedule(s => s.WithMisfireInstruction(SimpleTriggerMisfireInstruction.IgnoreMisfires)).Build();
        try
        {
            await scheduler.ScheduleJob(job, trigger, cancellationToken: cancellation);
            return true;
        }
        catch (ObjectAlreadyExistsException)
        {
            return false; // Another crawl was quicker.
        }
    }
}
