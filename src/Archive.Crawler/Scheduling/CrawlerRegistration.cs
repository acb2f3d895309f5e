using Archive.Crawler.Runs;
using Archive.Crawler.Scheduling;
using Archive.Crawler.Sources;
using Archive.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Quartz;

namespace Archive.Crawler;

public static class CrawlerRegistration
{
    /// <summary>
    /// Registers the scheduled crawls of the configuration's <c>Crawler</c> section. Jobs are kept in SQLite beside the
    /// catalogue, so that a crawl that a kill interrupted is taken up at the next start.
    /// </summary>
    public static IServiceCollection AddCrawler(this IServiceCollection services, IConfiguration configuration, string dataDirectory)
    {
        var options = configuration.GetSection("Crawler").Get<CrawlerOptions>() ?? new CrawlerOptions();
        var files = new SourceFiles(options.SourcesFolder);
        Directory.CreateDirectory(dataDirectory);
        SQLitePCL.Batteries_V2.Init();
        services.AddSingleton(options);
        services.AddSingleton(provider => new CrawlFactory(
            provider.GetRequiredService<ArchiveStore>(), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILoggerFactory>(), dataDirectory, null, files));
        services.AddQuartz("btf-archive", quartz =>
        {
            quartz.UsePersistentStore(store =>
            {
                var connection = new SqliteConnectionStringBuilder { DataSource = Path.Combine(dataDirectory, "quartz.db") };
                store.UseSqlite(SqliteFactory.Instance, connection.ToString());
                store.UseSystemTextJsonSerializer();
                store.ProvisionSchema();
            });
            foreach (var (source, settings) in options.Sources.Where(s => s.Value.Enabled))
                AddSource(quartz, source, settings, files);
        });
        services.AddQuartzHostedService(hosted => hosted.WaitForJobsToComplete = true);
        return services;
    }

    private static void AddSource(IQuartzBuilder quartz, string source, SourceOptions settings, SourceFiles files)
    {
        var key = new JobKey(source, "crawl");
        quartz.AddJob<CrawlJob>(job => job.WithIdentity(key).UsingJobData(CrawlJob.SourceKey, source).StoreDurably().RequestRecovery());
        quartz.AddTrigger(trigger => trigger.ForJob(key).WithIdentity($"{source}-schedule", "crawl")
            .WithCronSchedule(settings.Cron ?? files.Find(source)?.Cron ?? throw new SourceDefinitionException("configuration", $"Crawler:Sources:{source}", "there is no such source"), cron => cron.InTimeZone(TimeZoneInfo.Utc).WithMisfireInstruction(CronTriggerMisfireInstruction.FireAndProceed)));
        if (settings.RunAtStart)
            quartz.AddTrigger(trigger => trigger.ForJob(key).WithIdentity($"{source}-start", "crawl").StartNow());
    }
}
