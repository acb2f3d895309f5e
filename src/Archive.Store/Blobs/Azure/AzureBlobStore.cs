using System.Runtime.CompilerServices;
using Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Azure.Storage.Blobs.Specialized;

namespace Archive.Store.Blobs.Azure;

/// <summary>
/// Blobs in a container of Azure Blob Storage, whose names are the keys. What is sent and received is checked piece by piece, by CRC64 or MD5, a
/// blob comes to be by the one request that commits its blocks, and conditions (ETag) keep writers and readers apart.
/// </summary>
/// <remarks>
/// Transient failures are tried again by the client library, with pauses that double; what still fails is a <see cref="BlobStoreException"/>.
/// </remarks>
public sealed class AzureBlobStore : IBlobStore
{
    /// <summary>What one request of the kind copies at most (Copy Blob From URL).</summary>
    private const long MaxServerCopy = 256L << 20;

    private static readonly TimeSpan CopySas = TimeSpan.FromMinutes(10);

    private readonly BlobContainerClient _container;
    private readonly AzureSignatures _signatures;
    private readonly AzureOptions _options;

    /// <summary>Keys of one answer when blobs are listed; the service gives 5000 at most.</summary>
    internal int PageSize { get; init; } = 5000;

    /// <exception cref="FormatException">The options are wrong.</exception>
    public AzureBlobStore(AzureOptions options, TimeProvider clock)
    {
        var service = options.CreateClient();
        (_options, _container, _signatures) = (options, service.GetBlobContainerClient(options.Container), new AzureSignatures(service, clock));
        if (options.Redirect == RedirectKind.Sas && !_signatures.CanSign)
            throw new FormatException("Blobs:Redirect is sas, and a connection by SAS cannot make further ones: use an account key or a managed identity");
    }

    public Task InitialiseAsync(CancellationToken cancellation) => GuardAsync(_options.Container, async () =>
    {
        // A SAS for the container, or a role on it, allows for its blobs alone.
        if (!await ExistsAsync(cancellation))
            await _container.CreateIfNotExistsAsync(cancellationToken: cancellation);
        return true;
    });

    public async Task<bool> PutAsync(string key, Stream content, PutMode mode, CancellationToken cancellation)
    {
        var blob = _container.GetBlockBlobClient(BlobKey.Check(key));
        if (mode == PutMode.CreateOnly && await StatAsync(key, cancellation) is not null)
            return false; // Saves the sending; between racers the service decides.
        return await new AzureUpload(key, blob, mode).SendAsync(content, cancellation);
    }

    public async Task CopyAsync(string source, string target, CancellationToken cancellation)
    {
        var (from, to) = (_container.GetBlobClient(BlobKey.Check(source)), _container.GetBlobClient(BlobKey.Check(target)));
        var stat = await StatAsync(source, cancellation) ?? throw new BlobStoreException($"'{source}' cannot be copied: it is absent");
        if (stat.Size <= MaxServerCopy)
        {
            // The synchronous copy: the other kind shows a half-copied target.
            await GuardAsync(target, async () => await to.SyncCopyFromUriAsync(await _signatures.ReadableAsync(from, CopySas, cancellation), null, cancellation));
            return;
        }
        await using var content = await OpenReadAsync(source, cancellation) ?? throw new BlobStoreException($"'{source}' cannot be copied: it is absent");
        await PutAsync(target, content, PutMode.Replace, cancellation);
    }

    public async Task<BlobStat?> StatAsync(string key, CancellationToken cancellation)
    {
        var blob = _container.GetBlobClient(BlobKey.Check(key));
        return await GuardAsync(key, async () =>
        {
            var properties = (await AbsentAsNullAsync(() => blob.GetPropertiesAsync(null, cancellation)))?.Value;
            return properties is null ? null : new BlobStat(properties.ContentLength, properties.LastModified);
        });
    }

    public async Task<Stream?> OpenReadAsync(string key, CancellationToken cancellation)
    {
        var blob = _container.GetBlobClient(BlobKey.Check(key));
        return await AzureReadStream.OpenAsync(key, blob, cancellation);
    }

    public async IAsyncEnumerable<string> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var pages = _container.GetBlobsAsync(BlobTraits.None, BlobStates.None, prefix, cancellation).AsPages(pageSizeHint: PageSize).GetAsyncEnumerator(cancellation);
        await using (pages)
        {
            while (await GuardAsync(prefix, async () => await pages.MoveNextAsync()))
            {
                foreach (var blob in pages.Current.Values)
                    yield return blob.Name;
            }
        }
    }

    public async Task<bool> DeleteAsync(string key, CancellationToken cancellation)
    {
        var blob = _container.GetBlobClient(BlobKey.Check(key));
        if (await StatAsync(key, cancellation) is null)
            return false;
        // Where the first answer was lost, the second says that there is nothing any more.
        await GuardAsync(key, () => blob.DeleteIfExistsAsync(DeleteSnapshotsOption.IncludeSnapshots, null, cancellation));
        return true;
    }

    public async Task<Uri?> LinkAsync(string key, TimeSpan lifetime, CancellationToken cancellation) => _options.Redirect switch
    {
        RedirectKind.Sas => await GuardAsync(key, () => _signatures.ReadableAsync(_container.GetBlobClient(BlobKey.Check(key)), lifetime, cancellation)),
        RedirectKind.Url => new Uri(_options.RedirectBase!, BlobKey.Check(key)),
        _ => null,
    };

    /// <summary>The library's errors become <see cref="BlobStoreException"/>.</summary>
    internal static async Task<T> GuardAsync<T>(string key, Func<Task<T>> action)
    {
        try
        {
            return await action();
        }
        catch (Exception e) when (e is RequestFailedException or AggregateException or IOException or InvalidDataException or System.Xml.XmlException or global::Azure.Identity.AuthenticationFailedException)
        {
            throw new BlobStoreException($"'{key}': {(e is RequestFailedException r ? $"{r.Status} {r.ErrorCode}: {FirstLine(r.Message)}" : FirstLine(e.Message))}", e);
        }
    }

    internal static async Task<T?> AbsentAsNullAsync<T>(Func<Task<T>> request) where T : class
    {
        try
        {
            return await request();
        }
        catch (RequestFailedException e) when (e.Status == 404 && e.ErrorCode != BlobErrorCode.ContainerNotFound)
        {
            return null;
        }
    }

    private async Task<bool> ExistsAsync(CancellationToken cancellation)
    {
        try
        {
            await AbsentAsNullAsync(() => _container.GetBlobClient("probe").GetPropertiesAsync(null, cancellation));
            return true;
        }
        catch (RequestFailedException e) when (e.ErrorCode == BlobErrorCode.ContainerNotFound)
        {
            return false;
        }
    }

    private static string FirstLine(string message) => message.Split('\n', 2)[0].TrimEnd();
}
