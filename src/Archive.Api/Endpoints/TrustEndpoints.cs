using Archive.Api.Content;
using Archive.Store.Catalogue;
using Archive.Store.Mirrors;
using Archive.Store.Trust;

namespace Archive.Api.Endpoints;

/// <summary>What the archive's state is.</summary>
/// <param name="Position">Length of the chain of publications and withdrawals.</param>
/// <param name="Hash">Of its last entry.</param>
/// <param name="Signature">Of the checkpoint's bytes, Ed25519, base64.</param>
public sealed record ManifestDocument(
    long Position, string Hash, string KeyId, DateTimeOffset Time, string Checkpoint, string Signature, FormLink Sums, string Chain, string Keys);

/// <param name="Size">Bytes.</param>
public sealed record FormLink(string Url, string Sha256, long Size);

/// <summary>
/// How what is served can be verified: a signed checkpoint, the list of digests and the chain of changes that it vouches for, and the
/// keys. The same names are found in an exported or synced tree.
/// </summary>
public static class TrustEndpoints
{
    private const string SignatureHeader = "Btf-Archive-Signature", Text = "text/plain; charset=utf-8", Short = "public, max-age=5";
    private const int Page = 1000;

    public static void MapTrust(this WebApplication app)
    {
        var group = app.MapGroup("/v1").WithTags("trust");
        group.MapGet("/manifest", ManifestAsync).WithSummary("State of the archive: checkpoint, signature, and where the lists are").Produces<ManifestDocument>();
        group.MapGet("/checkpoint", CheckpointAsync).WithSummary("The signed checkpoint; its signature is also in the header Btf-Archive-Signature");
        group.MapGet("/checkpoint.sig", SignatureAsync).WithSummary("Ed25519 signature of the checkpoint, 64 bytes");
        group.MapMethods("/SHA256SUMS", BtfResponses.Methods, SumsAsync).WithSummary("Digests of everything in the tree, as sha256sum -c reads them");
        group.MapGet("/chain", (HttpContext context, ICatalogue catalogue, long after = 0) =>
                TypedResults.Stream(body => WriteChainAsync(body, catalogue, after, context.RequestAborted), Text))
            .WithSummary("Publications and withdrawals behind a position, each entry with the hash that chains it to the one before");
        group.MapGet("/keys", (SigningKeys keys) => TypedResults.Json(new KeyList([.. keys.All().Select(KeyDocument.Of)]), KeyJson.Default.KeyList))
            .WithSummary("Public keys, oldest first, each endorsed by the one before").Produces<KeyList>();
        group.MapGet("/key.pem", (SigningKeys keys) => TypedResults.Text(keys.All()[^1].PublicKey.ToPem(), "application/x-pem-file"))
            .WithSummary("The public key that signs now");
    }

    private static async Task<IResult> ManifestAsync(HttpContext context, Manifests manifests)
    {
        var manifest = await CurrentAsync(context, manifests);
        var checkpoint = manifest.Checkpoint;
        return TypedResults.Ok(new ManifestDocument(
            checkpoint.Head.Position, checkpoint.Head.Hash, checkpoint.KeyId, checkpoint.Time, "/v1/checkpoint", Convert.ToBase64String(manifest.Signed.Signature),
            new FormLink("/v1/SHA256SUMS", checkpoint.Sums.Sha256, checkpoint.Sums.Size), "/v1/chain", "/v1/keys"));
    }

    private static async Task<IResult> CheckpointAsync(HttpContext context, Manifests manifests)
    {
        var manifest = await CurrentAsync(context, manifests);
        context.Response.Headers[SignatureHeader] = Convert.ToBase64String(manifest.Signed.Signature);
        return TypedResults.Bytes(manifest.Signed.Bytes, Text);
    }

    private static async Task<IResult> SignatureAsync(HttpContext context, Manifests manifests) =>
        TypedResults.Bytes((await CurrentAsync(context, manifests)).Signed.Signature, "application/octet-stream");

    private static async Task<IResult> SumsAsync(HttpContext context, Manifests manifests)
    {
        while (true)
        {
            var manifest = await manifests.CurrentAsync(context.RequestAborted);
            try
            {
                var file = new FileStream(manifest.SumsPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0, useAsync: true);
                return new StoredContent(file, manifest.Checkpoint.Sums) { MediaType = Text, CacheControl = Short, Modified = manifest.Checkpoint.Time };
            }
            catch (FileNotFoundException)
            {
                // A newer one has just taken over.
            }
        }
    }

    private static async Task<Manifest> CurrentAsync(HttpContext context, Manifests manifests)
    {
        context.Response.Headers.CacheControl = Short;
        return await manifests.CurrentAsync(context.RequestAborted);
    }

    private static async Task WriteChainAsync(Stream body, ICatalogue catalogue, long after, CancellationToken cancellation)
    {
        await using var writer = new StreamWriter(body);
        for (IReadOnlyList<ChainEntry> entries; (entries = await catalogue.ChainAsync(after, Page, cancellation)).Count > 0; after = entries[^1].Position)
        {
            foreach (var entry in entries)
                await writer.WriteAsync(ChainText.Write(entry).AsMemory(), cancellation);
        }
    }
}
