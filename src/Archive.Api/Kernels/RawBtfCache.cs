using System.Security.Cryptography;
using Archive.Extractor.Packages;
using Archive.Store.Blobs;
using Archive.Store.Kernels;
using Microsoft.Extensions.Caching.Memory;

namespace Archive.Api.Kernels;

/// <summary>
/// Raw BTF, unpacked from its tarball. Only the tarball is stored: it is a quarter of the size, and what most clients ask
/// for. Ranges and lengths need the whole anyway, so it is unpacked once (some 50 ms) and kept while hosts of one kernel
/// boot; requests that come meanwhile wait for the same unpacking.
/// </summary>
public sealed class RawBtfCache(IBlobStore blobs) : IDisposable
{
    /// <summary>Bytes of raw BTF kept: some 30 kernels.</summary>
    private const long Capacity = 128L << 20;

    private readonly MemoryCache _cache = new(new MemoryCacheOptions { SizeLimit = Capacity });

    /// <exception cref="BlobStoreException">The blob is gone, or is not what the catalogue says.</exception>
    public async Task<byte[]> GetAsync(Publication publication, CancellationToken cancellation)
    {
        var entry = _cache.GetOrCreate(publication.Raw.Sha256, e =>
        {
            e.Size = publication.Raw.Size;
            return new Lazy<Task<byte[]>>(() => UnpackAsync(publication));
        })!;
        try
        {
            return await entry.Value.WaitAsync(cancellation);
        }
        catch when (entry.Value.IsFaulted)
        {
            _cache.Remove(publication.Raw.Sha256);
            throw;
        }
    }

    /// <summary>Runs on for the other waiters when one of them goes away, so it takes no cancellation.</summary>
    private async Task<byte[]> UnpackAsync(Publication publication)
    {
        var key = BlobPaths.Tarball(publication.Tarball.Sha256);
        await using var tarball = await blobs.OpenReadAsync(key, CancellationToken.None)
            ?? throw new BlobStoreException($"{key} is in the catalogue but not in the store");
        var (_, btf) = BtfTarball.Unpack(tarball);
        var digest = Convert.ToHexStringLower(SHA256.HashData(btf));
        return digest == publication.Raw.Sha256 ? btf
            : throw new BlobStoreException($"{key} unpacks to {digest}, the catalogue says {publication.Raw.Sha256}");
    }

    public void Dispose() => _cache.Dispose();
}
