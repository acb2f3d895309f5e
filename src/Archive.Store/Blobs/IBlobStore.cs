namespace Archive.Store.Blobs;

/// <summary>
/// Bytes under keys such as <c>debian/12/x86_64/6.1.0-56-cloud-amd64.btf.tar.xz</c>. The contract that every back-end
/// keeps, and that one suite of tests runs on all of them:
/// <list type="bullet">
/// <item>A key is either absent or whole: a reader never sees half a blob, whenever the writer was killed.</item>
/// <item>A put that returned has survived a power cut.</item>
/// <item><see cref="BlobStoreException"/> is final (disk full, access denied, invalid key); anything worth a retry is retried inside.</item>
/// <item>Keys are built by <see cref="BlobPaths"/> alone.</item>
/// </list>
/// </summary>
public interface IBlobStore
{
    /// <summary>Writes the stream under the key, replacing what is there when <paramref name="mode"/> allows it.</summary>
    /// <returns>False where <paramref name="mode"/> is <see cref="PutMode.CreateOnly"/> and the key exists; nothing is written then.</returns>
    Task<bool> PutAsync(string key, Stream content, PutMode mode, CancellationToken cancellation);

    /// <summary>Makes <paramref name="target"/> hold the bytes of <paramref name="source"/>, atomically, replacing what is there; without moving the bytes where the back-end can.</summary>
    Task CopyAsync(string source, string target, CancellationToken cancellation);

    /// <summary>Size and last change, or null where the key is absent.</summary>
    Task<BlobStat?> StatAsync(string key, CancellationToken cancellation);

    /// <summary>
    /// A seekable stream over the blob, or null where the key is absent. When the key is replaced meanwhile, it goes on with the bytes that were
    /// opened, or fails; bytes of two blobs never mix.
    /// </summary>
    Task<Stream?> OpenReadAsync(string key, CancellationToken cancellation);

    /// <summary>Keys that start with the prefix, in ordinal order.</summary>
    IAsyncEnumerable<string> ListAsync(string prefix, CancellationToken cancellation);

    /// <summary>A URL at which the blob can be fetched without us for that long; null where the store is not to be asked by others.</summary>
    Task<Uri?> LinkAsync(string key, TimeSpan lifetime, CancellationToken cancellation) => Task.FromResult<Uri?>(null);

    /// <summary>Removes the key; true where it was there.</summary>
    Task<bool> DeleteAsync(string key, CancellationToken cancellation);
}

public enum PutMode
{
    CreateOnly,
    Replace,
}

/// <param name="Size">Bytes.</param>
public sealed record BlobStat(long Size, DateTimeOffset LastModified);

/// <summary>The blob store cannot do what was asked, and trying again would not help; the message names key and cause.</summary>
public sealed class BlobStoreException(string message, Exception? inner = null) : Exception(message, inner);
