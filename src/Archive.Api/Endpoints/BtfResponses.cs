using Archive.Api.Content;
using Archive.Store.Blobs;
using Archive.Store.Kernels;

namespace Archive.Api.Endpoints;

/// <summary>
/// A publication in any form, with a strong ETag that is the SHA-256 of the bytes sent. They come from the blob under the digest,
/// never from the tree path, so that ETag, length and body belong together also while a newer build takes the path over.
/// </summary>
public sealed class BtfResponses(IBlobStore blobs, DerivedForms derived)
{
    /// <summary>A path's content may change, though it hardly ever does; caches may go on with the old one while we are away.</summary>
    private const string OfPath = "public, max-age=300, stale-while-revalidate=3600, stale-if-error=86400";
    internal const string OfDigest = "public, max-age=31536000, immutable";

    /// <summary>How long a client that is sent to the store may take to begin there.</summary>
    private static readonly TimeSpan LinkLifetime = TimeSpan.FromMinutes(10);

    public static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    /// <param name="immutable">The request names the content by digest.</param>
    /// <param name="mediaType">Instead of the form's own.</param>
    public async Task<IResult> SendAsync(HttpContext context, KernelRecord record, BtfForm form, bool immutable, string? mediaType = null)
    {
        var (publication, key) = (record.Publication!, record.Build.Key);
        // Coded bytes of what was named by its digest would be another content under that digest's URL, but only for who asked for a coding.
        var choice = form == BtfForm.Raw ? EncodingChoice.Of(context.Request) : null;
        if (form == BtfForm.Tarball && await LinkAsync(context, publication) is { } elsewhere)
            return elsewhere;
        var (content, stored) = await OpenAsync(publication, choice?.Form ?? form, key.Arch, context.RequestAborted);
        return new StoredContent(content, stored)
        {
            MediaType = mediaType ?? form.MediaType(),
            CacheControl = immutable ? OfDigest : OfPath,
            Modified = publication.PublishedAt,
            FileName = form == BtfForm.Provenance ? null : key.Uname + form.Extension(),
            Coding = choice?.Coding,
            IsNegotiated = form == BtfForm.Raw,
        };
    }

    /// <summary>Where the store is to be asked by clients themselves, as they are told once their conditions do not spare the transfer.</summary>
    private async Task<IResult?> LinkAsync(HttpContext context, Publication publication)
    {
        var isPlain = HttpMethods.IsGet(context.Request.Method) && context.Request.Headers is { IfNoneMatch.Count: 0, IfMatch.Count: 0, IfModifiedSince.Count: 0, IfUnmodifiedSince.Count: 0 };
        if (!isPlain || await blobs.LinkAsync(BlobPaths.Tarball(publication.Tarball.Sha256), LinkLifetime, context.RequestAborted) is not { } link)
            return null;
        context.Response.Headers.CacheControl = "private, max-age=60";
        context.Response.Headers.ETag = $"\"{publication.Tarball.Sha256}\"";
        return TypedResults.Redirect(link.AbsoluteUri, preserveMethod: true);
    }

    private async Task<(Stream Content, StoredForm Form)> OpenAsync(Publication publication, BtfForm form, string arch, CancellationToken cancellation) => form switch
    {
        BtfForm.Tarball => (await OpenBlobAsync(BlobPaths.Tarball(publication.Tarball.Sha256), cancellation), publication.Tarball),
        BtfForm.Provenance => (await OpenBlobAsync(BlobPaths.Provenance(publication.Tarball.Sha256), cancellation), publication.Provenance),
        _ => await derived.OpenAsync(publication, form, arch, cancellation),
    };

    private async Task<Stream> OpenBlobAsync(string key, CancellationToken cancellation) =>
        await blobs.OpenReadAsync(key, cancellation) ?? throw new BlobStoreException($"{key} is in the catalogue but not in the store");
}
