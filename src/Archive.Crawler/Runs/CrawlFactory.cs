using System.Collections.Concurrent;
using Archive.Crawler.Http;
using Archive.Crawler.Protocols.Apt;
using Archive.Crawler.Sources;
using Archive.Store;
using Microsoft.Extensions.Logging;

namespace Archive.Crawler.Runs;

/// <summary>Makes crawls of the sources; holds the connections that they share.</summary>
/// <param name="patience">How long an answer may send next to nothing; a minute by default.</param>
/// <param name="sources">The built-in ones by default.</param>
/// <param name="firstRetryDelay">Before the second attempt at a request that failed; it doubles from there. Two seconds by default.</param>
public sealed class CrawlFactory(ArchiveStore store, TimeProvider clock, ILoggerFactory logs, string dataDirectory, TimeSpan? firstRetryDelay = null, SourceFiles? sources = null,
    TimeSpan? patience = null) : IDisposable
{
    private readonly SharedPoliteness? _shared = store.SharedHosts is { } hosts ? new SharedPoliteness(hosts, logs.CreateLogger<CrawlFactory>()) : null;
    private CrawlClient? _plain;
    private readonly ConcurrentDictionary<string, CrawlClient> _own = new(StringComparer.Ordinal);

    public string DataDirectory => dataDirectory;

    public SourceFiles Sources { get; } = sources ?? new SourceFiles();

    /// <exception cref="CrawlException">There is no such source.</exception>
    /// <exception cref="SourceDefinitionException">Its definition is wrong.</exception>
    public CrawlRun Create(string source)
    {
        var definition = Sources.Find(source) ?? throw new CrawlException($"there is no source '{source}'; there are {string.Join(", ", Sources.All.Select(s => s.Id))}");
        var http = ClientOf(definition);
        foreach (var mirror in definition.Mirrors.Values.SelectMany(m => m))
            http.Polite.SetPoliteness(mirror, definition.Politeness);
        var cache = new IndexCache(http.Client, Path.Combine(dataDirectory, "cache", definition.Id), clock, firstRetryDelay);
        return new CrawlRun(store, Lister(definition, cache), new KernelFetcher(http.Client, clock, firstRetryDelay), clock, logs.CreateLogger<CrawlRun>());
    }

    private CrawlClient ClientOf(SourceDefinition source) => source.ClientCertificate is null && source.CertificateAuthority is null
        ? LazyInitializer.EnsureInitialized(ref _plain, () => CrawlClient.Plain(clock, patience, _shared))
        : _own.GetOrAdd(source.Id, _ => CrawlClient.For(source, clock, patience, _shared));

    private RepositorySource Lister(SourceDefinition definition, IndexCache cache) => definition.Protocol switch
    {
        "apt" => new AptSource(definition, cache, HostAptSources.Read(), HostIdentity.Read(), clock),
        "directory" => new DirectorySource(definition, cache, HostIdentity.Read()),
        "launchpad" => new LaunchpadSource(definition, cache, HostIdentity.Read()),
        "snapshot" => new SnapshotSource(definition, cache, HostIdentity.Read()),
        "folder" => new FolderSource(definition, HostIdentity.Read()),
        _ => new RpmMdSource(definition, cache, HostIdentity.Read()),
    };

    public void Dispose()
    {
        _plain?.Dispose();
        foreach (var client in _own.Values)
            client.Dispose();
    }
}
