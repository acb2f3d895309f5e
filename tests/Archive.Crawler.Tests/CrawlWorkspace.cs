using Archive.Crawler.Runs;
using Archive.Crawler.Sources;
using Archive.Store;
using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Archive.Store.Provenance;
using Microsoft.Extensions.Logging.Abstractions;
using TestKit;

namespace Archive.Crawler.Tests;

/// <summary>An archive of a test's own with a folder of source files, as a user would write them.</summary>
internal sealed class CrawlWorkspace : IDisposable
{
    private readonly TempFolder _folder = new();

    public string Data => _folder.File("data");

    public string SourcesFolder => _folder.File("sources");

    /// <summary>Writes a source file.</summary>
    public void AddSource(string id, string json)
    {
        Directory.CreateDirectory(SourcesFolder);
        File.WriteAllText(Path.Combine(SourcesFolder, id + ".json"), json);
    }

    /// <summary>A distro with one rpm-md repository, of kernels named as Red Hat names them.</summary>
    /// <param name="repository">Members of the repository besides its name, with a comma before.</param>
    public void AddRpmSource(string mirrors, string keyring, string repository = "", string more = "", string path = ".") => AddSource("testos", $$"""
        {
          "id": "testos",
          "protocol": "rpm-md",
          "keyring": "{{keyring}}",
          "mirrors": { "main": [ {{mirrors}} ] },
          "packages": [
            { "grade": "debug", "name": "^kernel(-uek)?-debuginfo$", "uname": "{version}-{release}.{arch}" }
          ],
          "arches": { "x86_64": "x86_64", "aarch64": "arm64" },
          {{more}}
          "releases": [
            { "codename": "9", "version": "9", "stable": true, "repositories": [ { "name": "{{path}}"{{repository}} } ] }
          ]
        }
        """);

    public Task<ArchiveStore> OpenAsync() =>
        ArchiveStore.OpenAsync(new StoreOptions { DataDirectory = Data }, TimeProvider.System, default);

    public async Task<(CrawlRunResult Result, IReadOnlyList<CrawlEvent> Events)> CrawlAsync(string source = "testos", Func<CrawlRequest, CrawlRequest>? change = null)
    {
        using var store = await OpenAsync();
        using var crawls = new CrawlFactory(store, TimeProvider.System, NullLoggerFactory.Instance, Data, TimeSpan.FromMilliseconds(50), new SourceFiles(SourcesFolder), TimeSpan.FromSeconds(1));
        var request = new CrawlRequest { Source = source, Arches = ["x86_64"], Newest = 100 };
        var log = new EventLog();
        var result = await crawls.Create(source).RunAsync(change is null ? request : change(request), log, default);
        return (result, log.Events);
    }

    public async Task<IReadOnlyList<KernelRecord>> RecordsAsync()
    {
        using var store = await OpenAsync();
        return await store.Catalogue.ListAsync(new KernelFilter(), default);
    }

    public ProvenanceDocument Provenance(KernelRecord record) =>
        ProvenanceJson.Read(File.ReadAllBytes(Path.Combine(Data, "tree", BlobPaths.TreeProvenance(record.Build.Key))));

    public void Dispose() => _folder.Dispose();

    private sealed class EventLog : IProgress<CrawlEvent>
    {
        private readonly List<CrawlEvent> _events = [];

        public IReadOnlyList<CrawlEvent> Events
        {
            get
            {
                lock (_events)
                    return [.. _events];
            }
        }

        public void Report(CrawlEvent value)
        {
            lock (_events)
                _events.Add(value);
        }
    }
}
