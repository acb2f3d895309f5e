using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Polly;

namespace Archive.Crawler.Http;

/// <summary>
/// Repository indexes on disk. A file whose digest is known (it stands in a verified Release) is not asked for again while
/// the digest stays; one without is asked for with the validators of the last answer (ETag, Last-Modified). What is read
/// from the cache is hashed again, and files appear under their names only when they are whole.
/// </summary>
public sealed class IndexCache(HttpClient client, string folder, TimeProvider clock, TimeSpan? firstRetryDelay = null)
{
    /// <summary>Largest index we take, in bytes; Debian's Packages.xz has some 9 MB.</summary>
    private const long MaxBytes = 256L << 20;

    private readonly ResiliencePipeline _retrying = Retrying.Pipeline(clock, firstRetryDelay ?? TimeSpan.FromSeconds(2));

    /// <summary>The current bytes behind a URL, by a conditional request where an older answer is kept.</summary>
    /// <exception cref="MirrorException">The mirror has no such file, or did not answer.</exception>
    public Task<byte[]> GetCurrentAsync(Uri url, CancellationToken cancellation) => GuardAsync(url, async token =>
    {
        var kept = await ReadKeptAsync(url, token);
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (kept is { Meta: { } meta })
        {
            if (meta.ETag is { } tag && EntityTagHeaderValue.TryParse(tag, out var parsed))
                request.Headers.IfNoneMatch.Add(parsed);
            request.Headers.IfModifiedSince = meta.LastModified;
        }
        using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, token);
        if (response.StatusCode == HttpStatusCode.NotModified && kept is not null)
            return kept.Value.Body;
        var body = await ReadBodyAsync(url, response, MaxBytes, token);
        var answer = new Meta(response.Headers.ETag?.ToString(), response.Content.Headers.LastModified, Digest(body));
        await KeepAsync(url, body, answer, token);
        return body;
    }, cancellation);

    /// <summary>The bytes with this digest: from the cache, else from the URL.</summary>
    /// <param name="size">Bytes; null where the index does not tell.</param>
    /// <exception cref="MirrorException">The mirror has no such file, did not answer, or sent something else.</exception>
    public async Task<byte[]> GetExactAsync(Uri url, string cacheKey, long? size, Checksum checksum, CancellationToken cancellation)
    {
        if (size > MaxBytes)
            throw new MirrorException(url, $"is to have {size} bytes, at most {MaxBytes} are taken");
        var name = new Uri("cache:" + cacheKey);
        if (await ReadKeptAsync(name, cancellation) is { } kept && checksum.Fits(kept.Body))
            return kept.Body;
        return await GuardAsync(url, async token =>
        {
            using var response = await client.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, token);
            var body = await ReadBodyAsync(url, response, size ?? MaxBytes, token);
            if (size is { } stated && body.Length != stated)
                throw new MirrorException(url, $"has {body.Length} bytes, the signed index says {stated}");
            if (!checksum.Fits(body))
                throw new MirrorException(url, $"has SHA-256 {Digest(body)}, the signed index says {checksum}");
            await KeepAsync(name, body, new Meta(null, null, Digest(body)), token);
            return body;
        }, cancellation);
    }

    public static string Digest(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private async Task<byte[]> GuardAsync(Uri url, Func<CancellationToken, Task<byte[]>> read, CancellationToken cancellation)
    {
        try
        {
            return await _retrying.ExecuteAsync(async token => await read(token), cancellation);
        }
        catch (Exception e) when (e is HttpRequestException or HttpIOException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new MirrorException(url, e.Message, inner: e);
        }
    }

    private async Task<byte[]> ReadBodyAsync(Uri url, HttpResponseMessage response, long limit, CancellationToken cancellation)
    {
        Statuses.RequireSuccess(response, url, clock);
        if (response.Content.Headers.ContentLength > limit)
            throw new MirrorException(url, $"has {response.Content.Headers.ContentLength} bytes, at most {limit} were expected");
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        using var body = new MemoryStream();
        var buffer = new byte[1 << 16];
        for (int read; (read = await stream.ReadAsync(buffer, cancellation)) > 0;)
        {
            if (body.Length + read > limit)
                throw new MirrorException(url, $"sends more than {limit} bytes");
            body.Write(buffer, 0, read);
        }
        return body.ToArray();
    }

    private async Task<(byte[] Body, Meta Meta)?> ReadKeptAsync(Uri name, CancellationToken cancellation)
    {
        var path = PathOf(name);
        try
        {
            var meta = JsonSerializer.Deserialize(await File.ReadAllTextAsync(path + ".json", cancellation), CacheJson.Default.Meta);
            var body = await File.ReadAllBytesAsync(path, cancellation);
            return meta is not null && meta.Sha256 == Digest(body) ? (body, meta) : null;
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException or JsonException)
        {
            return null;
        }
    }

    /// <summary>The body first: metadata that does not fit the body is no hit.</summary>
    private async Task KeepAsync(Uri name, byte[] body, Meta meta, CancellationToken cancellation)
    {
        Directory.CreateDirectory(folder);
        var path = PathOf(name);
        await ReplaceAsync(path, body, cancellation);
        await ReplaceAsync(path + ".json", JsonSerializer.SerializeToUtf8Bytes(meta, CacheJson.Default.Meta), cancellation);
    }

    private static async Task ReplaceAsync(string path, byte[] bytes, CancellationToken cancellation)
    {
        var temporary = $"{path}.{Guid.NewGuid():n}.tmp";
        try
        {
            await File.WriteAllBytesAsync(temporary, bytes, cancellation);
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    private string PathOf(Uri name) => Path.Combine(folder, Digest(Encoding.UTF8.GetBytes(name.OriginalString))[..32]);

    internal sealed record Meta(string? ETag, DateTimeOffset? LastModified, string Sha256);
}

[JsonSerializable(typeof(IndexCache.Meta))]
internal sealed partial class CacheJson : JsonSerializerContext;
