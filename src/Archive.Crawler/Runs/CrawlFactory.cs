using System.Net;
using Archive.Crawler.Http;
using Archive.Crawler.Protocols.Apt;
using Archive.Crawler.Sources;
using Archive.Store;
using Microsoft.Extensions.Logging;

namespace Archive.Crawler.Runs;

/// <summary>Makes crawls of the built-in sources; holds the connections that they share.</summary>
/// <param name="firstRetryDelay">Before the second attempt at a request that failed; it doubles from there. Two seconds by default.</param>
public sealed class CrawlFactory(ArchiveStore store, TimeProvider clock, ILoggerFactory logs, string dataDirectory, TimeSpan? firstRetryDelay = null) : IDisposable
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(20), AnswerTimeout = TimeSpan.FromSeconds(60);

    /// <summary>Transfers may take hours; that a connection is alive is seen by the answer's beginning, and by reads that fail.</summary>
    private readonly HttpClient _client = new(new SocketsHttpHandler
    {
        ConnectTimeout = ConnectTimeout,
        PooledConnectionLifetime = TimeSpan.FromMinutes(10),
        AutomaticDecompression = DecompressionMethods.None,
    })
    {
        Timeout = AnswerTimeout,
        DefaultRequestHeaders = { { "User-Agent", "btf-archive/0.1" } },
    };

    /// <exception cref="CrawlException">There is no such source.</exception>
    /// <exception cref="SourceDefinitionException">Its definition is wrong.</exception>
    public CrawlRun Create(string source)
    {
        var definition = SourceDefinition.BuiltIn(source) ?? throw new CrawlException($"there is no source '{source}'");
        var cache = new IndexCache(_client, Path.Combine(dataDirectory, "cache", source), clock, firstRetryDelay);
        var apt = new AptSource(definition, cache, HostAptSources.Read(), HostIdentity.Read(), clock);
        return new CrawlRun(store, apt, new KernelFetcher(_client, clock, firstRetryDelay), clock, logs.CreateLogger<CrawlRun>());
    }

    public void Dispose() => _client.Dispose();
}
