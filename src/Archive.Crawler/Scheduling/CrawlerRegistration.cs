using Archive.Crawler.Runs;
using Archive.Crawler.Scheduling;
using Archive.Crawler.Sources;
using Archive.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Quartz;

namespace Archive.Crawler;

public static class CrawlerRegistration
{
    /// <summary>Quartz's name for the scheduler, and the key of its services.</summary>
    public const string SchedulerName = "btf-archive";

    /// <summary>
    /// Registers the scheduled crawls of the configuration's <c>Crawler</c> section. Jobs are kept in SQLite beside the
    /// catalogue, so that a crawl that a kill interrupted is taken up at the next start.
    /// </summary>
    public static IServiceCollection AddCrawler(this IServiceCollection services, IConfiguration configuration, string dataDirectory)
    {
        var (options, files) = services.AddSources(configuration);
        Directory.CreateDirectory(dataDirectory);
        SQLitePCL.Batteries_V2.Init();
        services.AddSingleton(options);
        services.AddSingleton(provider => new CrawlFactory(
            provider.GetRequiredService<ArchiveStore>(), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILoggerFactory>(), dataDirectory, null, files));
        services.AddQuartz(SchedulerName, quartz =>
        {
            quartz.UsePersistentStore(store =>
            {
                var connection = new SqliteConnectionStringBuilder { DataSource = Path.Combine(dataDirectory, "quartz.db") };
                store.UseSqlite(SqliteFactory.Instance, connection.ToString());
                store.UseSystemTextJsonSerializer();
                store.ProvisionSchema();
            });
            foreach (var source in files.All)
                AddSource(quartz, source, options);
        });
        services.AddQuartzHostedService(hosted => hosted.WaitForJobsToComplete = true);
        return services;
    }

    /// <summary>Registers what sources there are, and when they are crawled; for a process that shows them and does not crawl, too.</summary>
    /// <exception cref="SourceDefinitionException">A source file, or what the configuration says of one, is wrong.</exception>
    public static (CrawlerOptions Options, SourceFiles Files) AddSources(this IServiceCollection services, IConfiguration configuration)
    {
        var options = configuration.GetSection("Crawler").Get<CrawlerOptions>() ?? new CrawlerOptions();
        var files = new SourceFiles(options.SourcesFolder);
        foreach (var source in options.Sources.Keys.Where(s => files.Find(s) is null))
            throw new SourceDefinitionException("configuration", $"Crawler:Sources:{source}", "there is no such source");
        services.TryAddSingleton(files);
        services.TryAddSingleton(new SourceSchedules(options));
        return (options, files);
    }

    /// <summary>Every source can be crawled by hand; those with a schedule catch up once on what they missed while no process ran.</summary>
    private static void AddSource(IQuartzBuilder quartz, SourceDefinition source, CrawlerOptions options)
    {
        var key = new JobKey(source.Id, "crawl");
        quartz.AddJob<CrawlJob>(job => job.WithIdentity(key).UsingJobData(CrawlJob.SourceKey, source.Id).StoreDurably().RequestRecovery());
        if (new SourceSchedules(options).Of(source) is not { } cron)
            return;
        quartz.AddTrigger(trigger => trigger.ForJob(key).WithIdentity($"{source.Id}-schedule", "crawl")
            .WithCronSchedule(cron, schedule => schedule.InTimeZone(TimeZoneInfo.Utc).WithMisfireInstruction(CronTriggerMisfireInstruction.FireAndProceed)));
        if (options.Sources[source.Id].RunAtStart)
            quartz.AddTrigger(trigger => trigger.ForJob(key).WithIdentity($"{source.Id}-start", "crawl").StartNow());
    }
}
