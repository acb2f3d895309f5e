using Archive.Crawler.Runs;
using Archive.Store;
using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Archive.Store.Provenance;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using TestKit;

namespace Archive.Crawler.Tests;

/// <summary>A signed APT repository with one kernel behind a server, and an archive to crawl it into.</summary>
public abstract class AptCrawl : IAsyncLifetime, IDisposable
{
    protected const string Uname = "6.1.0-99-cloud-amd64";
    private readonly TempFolder _data = new();
    private readonly EventLog _events = new();

    private protected AptRepository Repository { get; } = new();

    private protected MirrorServer Mirror { get; private set; } = null!;

    protected string Data => _data.FullPath;

    public async Task InitializeAsync()
    {
        Repository.AddKernel(Uname);
        Repository.Publish();
        Mirror = await MirrorServer.StartAsync(Repository.Root);
    }

    public async Task DisposeAsync() => await Mirror.DisposeAsync();

    public void Dispose()
    {
        Repository.Dispose();
        _data.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected string PackageFile => Path.Combine(Repository.Root, AptRepository.PathOf(Uname));

    private protected static bool IsPackage(HttpContext context) => context.Request.Path.Value!.EndsWith(".deb", StringComparison.Ordinal);

    private protected ProvenanceDocument Provenance(string uname) => ProvenanceJson.Read(File.ReadAllBytes(
        Path.Combine(Data, "tree", BlobPaths.TreeProvenance(new KernelKey("debian", "12", "x86_64", uname)))));

    private protected CrawlRequest Request() => new()
    {
        Releases = ["bookworm"],
        Arches = ["x86_64"],
        Mirrors = new MirrorOverride([Mirror.Url], [], Repository.Keyring),
    };

    private protected Task<ArchiveStore> OpenAsync() =>
        ArchiveStore.OpenAsync(new StoreOptions { DataDirectory = Data }, TimeProvider.System, default);

    private protected CrawlFactory Factory(ArchiveStore store) => new(store, TimeProvider.System, NullLoggerFactory.Instance, Data, TimeSpan.FromMilliseconds(50));

    private protected async Task<CrawlRunResult> CrawlAsync(Func<CrawlRequest, CrawlRequest>? change = null)
    {
        using var store = await OpenAsync();
        using var crawls = Factory(store);
        var request = change is null ? Request() : change(Request());
        return await crawls.Create("debian").RunAsync(request, _events, default);
    }

    private protected static async Task<KernelRecord> RecordAsync(ArchiveStore store, string uname = Uname) =>
        Assert.Single(await store.Catalogue.ListAsync(new KernelFilter { Uname = uname }, default));

    private sealed class EventLog : IProgress<CrawlEvent>
    {
        public void Report(CrawlEvent value) => System.Diagnostics.Trace.WriteLine(value);
    }
}
