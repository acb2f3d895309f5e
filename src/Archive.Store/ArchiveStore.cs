using Archive.Store.Blobs;
using Archive.Store.Blobs.Azure;
using Archive.Store.Catalogue;

namespace Archive.Store;

/// <summary>
/// An archive: below one data directory, or with its catalogue in a database that several machines share. Several processes may have it
/// open: the API and a crawl command, or two crawls.
/// </summary>
public sealed class ArchiveStore : IDisposable
{
    private readonly IBlobStore _blobs;
    private readonly SqlCatalogue _catalogue;

    private ArchiveStore(IBlobStore blobs, SqlCatalogue catalogue, WorkFolder work) =>
        (_blobs, _catalogue, Work) = (blobs, catalogue, work);

    public IBlobStore Blobs => _blobs;

    public ICatalogue Catalogue => _catalogue;

    public WorkFolder Work { get; }

    /// <summary>Politeness that workers on several machines share; null where the catalogue is this machine's.</summary>
    public SharedHosts? SharedHosts { get; private init; }

    /// <summary>Opens the archive, sweeping what killed processes left, and brings the catalogue's schema up to date.</summary>
    public static async Task<ArchiveStore> OpenAsync(StoreOptions options, TimeProvider clock, CancellationToken cancellation)
    {
        var store = Open(options, clock);
        try
        {
            await store.InitialiseAsync(cancellation);
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Makes what is to be there on first use: the catalogue's schema, the blobs' container.</summary>
    internal async Task InitialiseAsync(CancellationToken cancellation)
    {
        if (_blobs is AzureBlobStore azure)
            await azure.InitialiseAsync(cancellation);
        await Catalogue.InitialiseAsync(cancellation);
    }

    /// <summary>Opens the archive; the caller initialises it.</summary>
    internal static ArchiveStore Open(StoreOptions options, TimeProvider clock)
    {
        var data = Directory.CreateDirectory(options.DataDirectory).FullName;
        var work = new WorkFolder(Path.Combine(data, "work"));
        IBlobStore blobs = options.Azure is { } azure ? new AzureBlobStore(azure, clock) : FolderBlobStore.Open(Path.Combine(data, "tree"));
        return new ArchiveStore(blobs, OpenCatalogue(options, data, clock), work)
        {
            SharedHosts = options.Catalogue == CatalogueKind.Postgres ? new SharedHosts(options.CatalogueConnection!) : null,
        };
    }

    private static SqlCatalogue OpenCatalogue(StoreOptions options, string data, TimeProvider clock) => options.Catalogue switch
    {
        CatalogueKind.Postgres => new PostgresCatalogue(options.CatalogueConnection ?? "", clock),
        _ => new SqliteCatalogue(Path.Combine(data, "catalogue.db"), clock),
    };

    public void Dispose()
    {
        (_blobs as IDisposable)?.Dispose();
        _catalogue.Dispose();
        SharedHosts?.Dispose();
    }
}
