using Archive.Crawler.Runs;
using Archive.Crawler.Sources;
using Archive.Extractor;

namespace Archive.Crawler.Scheduling;

/// <summary>Section <c>Crawler</c> of the configuration.</summary>
public sealed record CrawlerOptions
{
    /// <summary>Folder of further source files; relative to the current one.</summary>
    public string? SourcesFolder { get; init; }

    /// <summary>Kernels that this worker sees through at one time, where they are shared by a cluster; 0 for what its cores and memory allow.</summary>
    public int Concurrency { get; init; }

    /// <summary>Kernels of one host that the workers of a cluster download at one time.</summary>
    public int ConcurrencyPerHost { get; init; } = 4;

    /// <summary>Bytes of free disk below which a worker leaves kernels to others.</summary>
    public long MinFreeBytes { get; init; } = 2L << 30;

    /// <summary>How often a worker of a cluster says that it is alive; after some three times that others take its work over.</summary>
    public TimeSpan CheckIn { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>By source name.</summary>
    public Dictionary<string, SourceOptions> Sources { get; init; } = new(StringComparer.OrdinalIgnoreCase);
}

/// <summary>When sources are crawled, by configuration and source files; also for a process that shows it and does not crawl.</summary>
public sealed class SourceSchedules(CrawlerOptions options)
{
    /// <summary>A Quartz cron expression (UTC); null where the source is crawled by hand alone.</summary>
    public string? Of(SourceDefinition source) =>
        options.Sources.TryGetValue(source.Id, out var settings) && settings.Enabled ? settings.Cron ?? source.Cron : null;
}

/// <summary>What is crawled of one source, and when.</summary>
public sealed record SourceOptions
{
    public bool Enabled { get; init; } = true;

    /// <summary>Codenames or versions; none for the host's release.</summary>
    public string[] Releases { get; init; } = [];

    /// <summary>None for the host's arch.</summary>
    public string[] Arches { get; init; } = [];

    /// <summary>None for the source's default.</summary>
    public string[] Flavours { get; init; } = [];

    /// <summary>Newest builds for each release, arch and flavour.</summary>
    public int Newest { get; init; } = 1;

    public BtfSource BtfSource { get; init; } = BtfSource.Auto;

    /// <summary>Only kernels in debug or in image packages; null for the source's order of preference.</summary>
    public PackageGrade? Grade { get; init; }

    /// <summary>Take signed indexes past their time too, as of a mirror that is kept as it was one day.</summary>
    public bool AllowExpired { get; init; }

    /// <summary>Publish the modules' split BTF too.</summary>
    public bool Modules { get; init; } = true;

    /// <summary>Quartz cron expression, UTC; the source file's where there is none.</summary>
    public string? Cron { get; init; }

    public bool RunAtStart { get; init; } = true;

    public Uri[] Mirrors { get; init; } = [];

    public Uri[] SecurityMirrors { get; init; } = [];

    public string? Keyring { get; init; }

    internal CrawlRequest ToRequest(string source) => new()
    {
        Source = source,
        Releases = Releases,
        Arches = Arches,
        Flavours = Flavours,
        Newest = Newest,
        BtfSource = BtfSource,
        Grade = Grade,
        Modules = Modules,
        AllowExpired = AllowExpired,
        Mirrors = new MirrorOverride(Mirrors, SecurityMirrors, Keyring),
    };
}
