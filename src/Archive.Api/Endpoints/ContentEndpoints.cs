using Archive.Api.Kernels;
using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Endpoints;

/// <summary>Content by digest: raw BTF or tarball, whichever has it, and the provenance of a tarball. It never changes.</summary>
public static class ContentEndpoints
{
    private static readonly string[] Methods = [HttpMethods.Get, HttpMethods.Head];

    public static void MapContent(this WebApplication app)
    {
        var group = app.MapGroup("/v1/btf/{sha256:regex(^[0-9a-fA-F]{{64}}$)}").WithTags("content");
        group.MapMethods("", Methods, GetAsync).WithSummary("BTF by the SHA-256 of its raw form or its tarball");
        group.MapMethods("/provenance", Methods, GetProvenanceAsync).WithSummary("Provenance by the SHA-256 of the tarball");
    }

    private static async Task<IResult> GetAsync(HttpContext context, string sha256, ICatalogue catalogue, IBlobStore blobs, RawBtfCache raw)
    {
        if (await FindAsync(catalogue, sha256, context.RequestAborted) is not { } record)
            return Unknown(sha256);
        var publication = record.Publication!;
        var name = record.Build.Key.Uname;
        return string.Equals(publication.Raw.Sha256, sha256, StringComparison.OrdinalIgnoreCase)
            ? await BtfResponses.RawAsync(context, raw, publication, $"{name}.btf", immutable: true)
            : await BtfResponses.TarballAsync(context, blobs, publication, $"{name}.btf.tar.xz", immutable: true);
    }

    private static async Task<IResult> GetProvenanceAsync(HttpContext context, string sha256, ICatalogue catalogue, IBlobStore blobs) =>
        await FindAsync(catalogue, sha256, context.RequestAborted) is { } record
            ? await BtfResponses.ProvenanceAsync(context, blobs, record.Publication!, immutable: true)
            : Unknown(sha256);

    private static async Task<KernelRecord?> FindAsync(ICatalogue catalogue, string sha256, CancellationToken cancellation) =>
        (await catalogue.FindByDigestAsync(sha256.ToLowerInvariant(), cancellation)).FirstOrDefault(KernelIndex.IsServed);

    private static IResult Unknown(string sha256) =>
        TypedResults.Problem($"Nothing published has the digest {sha256}.", statusCode: StatusCodes.Status404NotFound, title: "Unknown digest");
}
