using Archive.Api.Kernels;
using Archive.Store.Blobs;
using Archive.Store.Kernels;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Net.Http.Headers;

namespace Archive.Api.Endpoints;

/// <summary>
/// The bytes of a publication, with a strong ETag that is their SHA-256. They come from the blob under the digest, never
/// from the tree path, so that ETag, length and body belong together also while a newer build takes the path over.
/// </summary>
public static class BtfResponses
{
    private static readonly TimeSpan TreeCaching = TimeSpan.FromMinutes(5);

    public static async Task<FileStreamHttpResult> TarballAsync(HttpContext context, IBlobStore blobs, Publication publication, string fileName, bool immutable)
    {
        var stream = await OpenAsync(blobs, BlobPaths.Tarball(publication.Tarball.Sha256), context.RequestAborted);
        return Respond(context, stream, publication.Tarball, publication.PublishedAt, "application/x-xz", fileName, immutable);
    }

    public static async Task<FileStreamHttpResult> RawAsync(HttpContext context, RawBtfCache cache, Publication publication, string fileName, bool immutable)
    {
        var bytes = await cache.GetAsync(publication, context.RequestAborted);
        return Respond(context, new MemoryStream(bytes, writable: false), publication.Raw, publication.PublishedAt, "application/octet-stream", fileName, immutable);
    }

    public static async Task<FileStreamHttpResult> ProvenanceAsync(HttpContext context, IBlobStore blobs, Publication publication, bool immutable)
    {
        var stream = await OpenAsync(blobs, BlobPaths.Provenance(publication.Tarball.Sha256), context.RequestAborted);
        return Respond(context, stream, publication.Provenance, publication.PublishedAt, "application/json", null, immutable);
    }

    private static async Task<Stream> OpenAsync(IBlobStore blobs, string key, CancellationToken cancellation) =>
        await blobs.OpenReadAsync(key, cancellation) ?? throw new BlobStoreException($"{key} is in the catalogue but not in the store");

    private static FileStreamHttpResult Respond(
        HttpContext context, Stream content, StoredForm form, DateTimeOffset published, string type, string? fileName, bool immutable)
    {
        var headers = context.Response.Headers;
        headers.CacheControl = immutable ? "public, max-age=31536000, immutable" : $"public, max-age={TreeCaching.TotalSeconds:0}";
        headers["Repr-Digest"] = $"sha-256=:{Convert.ToBase64String(Convert.FromHexString(form.Sha256))}:";
        return TypedResults.Stream(content, type, fileName, published, new EntityTagHeaderValue($"\"{form.Sha256}\""), enableRangeProcessing: true);
    }
}
