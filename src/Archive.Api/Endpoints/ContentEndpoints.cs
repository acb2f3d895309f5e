using Archive.Api.Content;
using Archive.Api.Kernels;
using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Endpoints;

/// <summary>Content by digest: raw BTF or tarball, whichever has it, other forms of it, and the provenance of a tarball. It never changes.</summary>
public static class ContentEndpoints
{
    public static void MapContent(this WebApplication app)
    {
        var group = app.MapGroup("/v1/btf/{sha256:regex(^[0-9a-fA-F]{{64}}$)}").WithTags("content");
        group.MapMethods("", BtfResponses.Methods, GetAsync)
            .WithSummary("BTF by the SHA-256 of its raw form or its tarball")
            .WithDescription("form: raw, tar.xz, zst, gz or elf; by default the form that the digest is of.");
        group.MapMethods("/provenance", BtfResponses.Methods, GetProvenanceAsync).WithSummary("Provenance by the SHA-256 of the tarball");
        // The stored blobs by the key that manifests and mirrors have.
        app.MapMethods("/by-digest/{start}/{sha256:regex(^[0-9a-fA-F]{{64}}$)}.btf.tar.xz", BtfResponses.Methods,
            (HttpContext context, string sha256, ICatalogue catalogue, BtfResponses responses) => SendAsync(context, sha256, BtfForm.Tarball, catalogue, responses)).ExcludeFromDescription();
        app.MapMethods("/by-digest/{start}/{sha256:regex(^[0-9a-fA-F]{{64}}$)}.provenance.json", BtfResponses.Methods,
            (HttpContext context, string sha256, ICatalogue catalogue, BtfResponses responses) => SendAsync(context, sha256, BtfForm.Provenance, catalogue, responses)).ExcludeFromDescription();
        app.MapMethods("/by-digest/{start}/{sha256:regex(^[0-9a-fA-F]{{64}}$)}.modules.tar.xz", BtfResponses.Methods, GetModulesAsync).ExcludeFromDescription();
    }

    /// <summary>Blobs of modules stand for themselves: kernels that share one share its digest.</summary>
    private static async Task<IResult> GetModulesAsync(HttpContext context, string sha256, IBlobStore blobs)
    {
        var digest = sha256.ToLowerInvariant();
        if (await blobs.OpenReadAsync(BlobPaths.Modules(digest), context.RequestAborted) is not { } content)
            return Unknown(sha256);
        return new StoredContent(content, new StoredForm(digest, content.Length)) { MediaType = BtfForm.Tarball.MediaType(), CacheControl = BtfResponses.OfDigest };
    }

    private static IResult Unknown(string sha256) =>
        TypedResults.Problem($"Nothing published has the digest {sha256}.", statusCode: StatusCodes.Status404NotFound, title: "Unknown digest");

    private static async Task<IResult> GetAsync(HttpContext context, string sha256, ICatalogue catalogue, BtfResponses responses, string? form = null)
    {
        if (form is null)
            return await SendAsync(context, sha256, null, catalogue, responses);
        return BtfForms.OfName(form) is { } named
            ? await SendAsync(context, sha256, named, catalogue, responses)
            : TypedResults.Problem($"'{form}' is no form: raw, tar.xz, zst, gz and elf are.", statusCode: StatusCodes.Status400BadRequest, title: "No such form");
    }

    private static Task<IResult> GetProvenanceAsync(HttpContext context, string sha256, ICatalogue catalogue, BtfResponses responses) =>
        SendAsync(context, sha256, BtfForm.Provenance, catalogue, responses);

    private static async Task<IResult> SendAsync(HttpContext context, string sha256, BtfForm? form, ICatalogue catalogue, BtfResponses responses)
    {
        var digest = sha256.ToLowerInvariant();
        var record = (await catalogue.FindByDigestAsync(digest, context.RequestAborted)).FirstOrDefault(KernelIndex.IsServed);
        return record is null
            ? Unknown(sha256)
            : await responses.SendAsync(context, record, form ?? (record.Publication!.Raw.Sha256 == digest ? BtfForm.Raw : BtfForm.Tarball), immutable: true);
    }
}
