using System.Collections.Frozen;
using System.IO.Compression;
using System.Security.Cryptography;

namespace Archive.Api.Pages;

/// <summary>
/// The files of <c>wwwroot</c>, which are inside the assembly: they are found however the program is started. Their address has the digest of
/// their content, so browsers keep them for good.
/// </summary>
public static class SiteFiles
{
    private const string Prefix = "wwwroot/";

    private static readonly FrozenDictionary<string, Asset> Files = typeof(SiteFiles).Assembly.GetManifestResourceNames()
        .Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
        .ToFrozenDictionary(name => name[Prefix.Length..], Read, StringComparer.Ordinal);

    private sealed record Asset(string MediaType, byte[] Bytes, byte[] Compressed, string Digest);

    /// <summary>The file's path on this server.</summary>
    public static string Url(string name) => $"/assets/{Files[name].Digest}/{name}";

    public static void MapAssets(this WebApplication app)
    {
        app.MapGet("/assets/{digest}/{name}", (HttpContext context, string name) => Send(context, name)).ExcludeFromDescription();
        app.MapGet("/favicon.ico", (HttpContext context) => Send(context, "icon.svg")).ExcludeFromDescription();
        app.MapGet("/robots.txt", () => TypedResults.Text("User-agent: *\nDisallow: /compat/\nDisallow: /sign-in\nCrawl-delay: 2\n")).ExcludeFromDescription();
    }

    private static IResult Send(HttpContext context, string name)
    {
        if (!Files.TryGetValue(name, out var asset))
            return TypedResults.Problem($"There is no asset '{name}'.", statusCode: StatusCodes.Status404NotFound);
        var headers = context.Response.Headers;
        headers.CacheControl = "public, max-age=31536000, immutable";
        headers.XContentTypeOptions = "nosniff";
        headers.Vary = "Accept-Encoding";
        var isCompressed = context.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase);
        if (isCompressed)
            headers.ContentEncoding = "gzip";
        return TypedResults.Bytes(isCompressed ? asset.Compressed : asset.Bytes, asset.MediaType);
    }

    private static Asset Read(string resource)
    {
        using var stream = typeof(SiteFiles).Assembly.GetManifestResourceStream(resource)!;
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.SmallestSize, leaveOpen: true))
            gzip.Write(bytes.GetBuffer(), 0, (int)bytes.Length);
        var digest = Convert.ToHexStringLower(SHA256.HashData(bytes.ToArray()))[..12];
        return new Asset(MediaTypeOf(resource), bytes.ToArray(), compressed.ToArray(), digest);
    }

    private static string MediaTypeOf(string name) => Path.GetExtension(name) switch
    {
        ".css" => "text/css; charset=utf-8",
        ".js" => "text/javascript; charset=utf-8",
        ".svg" => "image/svg+xml",
        var other => throw new InvalidOperationException($"no media type for {other}"),
    };
}
