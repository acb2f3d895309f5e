using Archive.Crawler.Runs;
using Archive.Crawler.Scheduling;
using Archive.Crawler.Sources;
using Archive.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Npgsql;
using Quartz;

namespace Archive.Crawler;

public static class CrawlerRegistration
{
    /// <summary>Quartz's name for the scheduler, and the key of its services.</summary>
    public const string SchedulerName = "btf-archive";

    /// <summary>Execution group of crawls, of which a worker runs one at a time.</summary>
    private const string CrawlGroup = "crawl";

    /// <summary>
    /// Registers the scheduled crawls of the configuration's <c>Crawler</c> section. On one machine jobs are kept in SQLite beside the catalogue, so
    /// that a crawl that a kill interrupted is taken up at the next start. Where the catalogue is in PostgreSQL so are the jobs, a crawl leaves each
    /// kernel as a job of its own, and the workers of the cluster share both.
    /// </summary>
    public static IServiceCollection AddCrawler(this IServiceCollection services, IConfiguration configuration, StoreOptions store, WorkerRoles roles)
    {
        var (options, files) = services.AddSources(configuration);
        Directory.CreateDirectory(store.DataDirectory);
        SQLitePCL.Batteries_V2.Init();
        services.AddSingleton(options);
        services.AddSingleton(provider => new CrawlFactory(
            provider.GetRequiredService<ArchiveStore>(), provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILoggerFactory>(), store.DataDirectory, null, files));
        services.AddQuartz(SchedulerName, quartz =>
        {
            if (store.Catalogue == CatalogueKind.Postgres)
                UseCluster(quartz, store.CatalogueConnection!, options, roles);
            else
                UseFile(quartz, store.DataDirectory);
            foreach (var source in files.All.Where(_ => roles.Crawler))
                AddSource(quartz, source, options);
        });
        if (store.Catalogue == CatalogueKind.Postgres)
            services.AddSingleton<ExtractionQueue>();
        services.AddQuartzHostedService(hosted =>
        {
            hosted.WaitForJobsToComplete = true;
            hosted.AutoStart = roles.Crawler || roles.Extractor; // Without a role the schedule can still be asked for a crawl.
        });
        return services;
    }

    private static void UseFile(IQuartzBuilder quartz, string dataDirectory) => quartz.UsePersistentStore(store =>
    {
        var connection = new SqliteConnectionStringBuilder { DataSource = Path.Combine(dataDirectory, "quartz.db") };
        store.UseSqlite(SqliteFactory.Instance, connection.ToString());
        store.UseSystemTextJsonSerializer();
        store.ProvisionSchema();
    });

    /// <summary>Quartz's own cluster: who checks in no more has died, and its jobs are run again by others.</summary>
    private static void UseCluster(IQuartzBuilder quartz, string connection, CrawlerOptions options, WorkerRoles roles)
    {
        quartz.ConfigureScheduler(scheduler =>
        {
            scheduler.GenerateInstanceId = true;
            scheduler.ShutdownJobInterruption = ShutdownJobInterruption.Always;
            scheduler.IdleWaitTime = TimeSpan.FromSeconds(5);
        });
        quartz.UseDefaultThreadPool(Concurrency(options) + (roles.Crawler ? 1 : 0));
        quartz.UseExecutionLimits(limits => limits.ForGroup(CrawlGroup, 1, ExecutionLimitScope.Node)
            .ForGroupsWithPrefix(ExtractionQueue.GroupPrefix, options.ConcurrencyPerHost, ExecutionLimitScope.Cluster));
        if (!roles.Extractor)
            quartz.ServeExecutionGroups(CrawlGroup);
        else if (!roles.Crawler)
            quartz.RefuseExecutionGroups(CrawlGroup);
        quartz.UsePersistentStore(store =>
        {
            store.UsePostgres(NpgsqlFactory.Instance, connection);
            store.UseSystemTextJsonSerializer();
            store.ProvisionSchema();
            store.ConfigureStore(ado =>
            {
                ado.StoreJobDataAsStrings = true; // Read by workers of other versions too.
                ado.RecoverFiringsCancelledByShutdown = true;
            });
            store.UseClustering(cluster =>
            {
                cluster.CheckinInterval = options.CheckIn;
                cluster.CheckinMisfireThreshold = options.CheckIn * 2;
            });
        });
    }

    /// <summary>A conversion keeps two cores busy, as far as the download feeds them, and takes up to 500 MB.</summary>
    private static int Concurrency(CrawlerOptions options)
    {
        const long BytesEach = 1L << 30;
        var memory = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / BytesEach;
        return options.Concurrency > 0 ? options.Concurrency : (int)Math.Clamp(Math.Min(Environment.ProcessorCount / 2, memory), 1, 16);
    }

    /// <summary>Registers what sources there are, and when they are crawled; for a process that shows them and does not crawl, too.</summary>
    /// <exception cref="SourceDefinitionException">A source file, or what the configuration says of one, is wrong.</exception>
    public static (CrawlerOptions Options, SourceFiles Files) AddSources(this IServiceCollection services, IConfiguration configuration)
    {
        var options = Read<CrawlerOptions>(configuration.GetSection("Crawler"));
        // As entries of a dictionary, those that cannot be converted would be left out without a word.
        foreach (var source in configuration.GetSection("Crawler:Sources").GetChildren())
            _ = Read<SourceOptions>(source);
        var files = new SourceFiles(options.SourcesFolder);
        foreach (var source in options.Sources.Keys.Where(s => files.Find(s) is null))
            throw new SourceDefinitionException("configuration", $"Crawler:Sources:{source}", "there is no such source");
        services.TryAddSingleton(files);
        services.TryAddSingleton(new SourceSchedules(options));
        return (options, files);
    }

    private static T Read<T>(IConfigurationSection section)
        where T : new()
    {
        try
        {
            return section.Get<T>() ?? new T();
        }
        catch (InvalidOperationException e)
        {
            throw new SourceDefinitionException("configuration", section.Path, e.Message);
        }
    }

    /// <summary>Every source can be crawled by hand; those with a schedule catch up once on what they missed while no process ran.</summary>
    private static void AddSource(IQuartzBuilder quartz, SourceDefinition source, CrawlerOptions options)
    {
        var key = new JobKey(source.Id, "crawl");
        quartz.AddJob<CrawlJob>(job => job.WithIdentity(key).UsingJobData(CrawlJob.SourceKey, source.Id).StoreDurably().RequestRecovery());
        if (new SourceSchedules(options).Of(source) is not { } cron)
            return;
        quartz.AddTrigger(trigger => trigger.ForJob(key).WithIdentity($"{source.Id}-schedule", "crawl").WithExecutionGroup(CrawlGroup)
            .WithCronSchedule(cron, schedule => schedule.InTimeZone(TimeZoneInfo.Utc).WithMisfireInstruction(CronTriggerMisfireInstruction.FireAndProceed)));
        if (options.Sources[source.Id].RunAtStart)
            quartz.AddTrigger(trigger => trigger.ForJob(key).WithIdentity($"{source.Id}-start", "crawl").WithExecutionGroup(CrawlGroup).StartNow());
    }
}

/// <summary>What a worker does of the crawlers' work.</summary>
/// <param name="Crawler">Lists what sources have.</param>
/// <param name="Extractor">Sees the kernels through that crawls left to the workers.</param>
public sealed record WorkerRoles(bool Crawler, bool Extractor);
