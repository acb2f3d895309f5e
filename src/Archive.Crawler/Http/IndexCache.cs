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

    private const int BufferBytes = 1 << 16;

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

    /// <summary>
    /// The file with this digest: from the cache, else from the URL by way of the cache. An index may have hundreds of megabytes, of which nothing is
    /// held in memory; what is read is the very file that was hashed.
    /// </summary>
    /// <param name="size">Bytes; null where the index does not tell.</param>
    /// <exception cref="MirrorException">The mirror has no such file, did not answer, or sent something else.</exception>
    public async Task<Stream> OpenExactAsync(Uri url, string cacheKey, long? size, Checksum checksum, CancellationToken cancellation)
    {
        if (size > MaxBytes)
            throw new MirrorException(url, $"is to have {size} bytes, at most {MaxBytes} are taken");
        Directory.CreateDirectory(folder);
        var path = PathOf(new Uri("cache:" + cacheKey));
        return await OpenFittingAsync(path, checksum, cancellation)
            ?? await GuardAsync<Stream>(url, token => FetchAsync(url, path, size, checksum, token), cancellation);
    }

    private static async Task<Stream?> OpenFittingAsync(string path, Checksum checksum, CancellationToken cancellation)
    {
        if (!File.Exists(path))
            return null;
        var file = Open(path, FileMode.Open, FileAccess.Read);
        using var hash = IncrementalHash.CreateHash(checksum.Algorithm);
        var buffer = new byte[BufferBytes];
        for (int count; (count = await file.ReadAsync(buffer, cancellation)) > 0;)
            hash.AppendData(buffer, 0, count);
        if (Convert.ToHexStringLower(hash.GetCurrentHash()) == checksum.Hex)
            return Rewound(file);
        await file.DisposeAsync();
        return null;
    }

    /// <summary>Appears under its name only when it is whole, and what it is to be.</summary>
    private async Task<Stream> FetchAsync(Uri url, string path, long? size, Checksum checksum, CancellationToken cancellation)
    {
        var temporary = TemporaryOf(path);
        var file = Open(temporary, FileMode.CreateNew, FileAccess.ReadWrite);
        try
        {
            using var response = await client.GetAsync(url, HttpCompletionOption.ResponseHeadersRead, cancellation);
            using var hash = IncrementalHash.CreateHash(checksum.Algorithm);
            await CopyBodyAsync(url, response, size ?? MaxBytes, async bytes =>
            {
                hash.AppendData(bytes.Span);
                await file.WriteAsync(bytes, cancellation);
            }, cancellation);
            if (size is { } stated && file.Length != stated)
                throw new MirrorException(url, $"has {file.Length} bytes, the signed index says {stated}");
            if (Convert.ToHexStringLower(hash.GetCurrentHash()) is var digest && digest != checksum.Hex)
                throw new MirrorException(url, $"has {checksum.Algorithm} {digest}, the signed index says {checksum}");
            await file.FlushAsync(cancellation);
            File.Move(temporary, path, overwrite: true);
            return Rewound(file);
        }
        catch
        {
            await file.DisposeAsync();
            File.Delete(temporary);
            throw;
        }
    }

    private static FileStream Open(string path, FileMode mode, FileAccess access) =>
        new(path, new FileStreamOptions { Mode = mode, Access = access, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0, Options = FileOptions.SequentialScan });

    private static FileStream Rewound(FileStream file)
    {
        file.Position = 0;
        return file;
    }

    public static string Digest(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes));

    private async Task<T> GuardAsync<T>(Uri url, Func<CancellationToken, Task<T>> read, CancellationToken cancellation)
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
        using var body = new MemoryStream();
        await CopyBodyAsync(url, response, limit, bytes =>
        {
            body.Write(bytes.Span);
            return ValueTask.CompletedTask;
        }, cancellation);
        return body.ToArray();
    }

    private async Task CopyBodyAsync(Uri url, HttpResponseMessage response, long limit, Func<ReadOnlyMemory<byte>, ValueTask> take, CancellationToken cancellation)
    {
        Statuses.RequireSuccess(response, url, clock);
        if (response.Content.Headers.ContentLength > limit)
            throw new MirrorException(url, $"has {response.Content.Headers.ContentLength} bytes, at most {limit} were expected");
        await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
        var buffer = new byte[BufferBytes];
        long total = 0;
        for (int read; (read = await stream.ReadAsync(buffer, cancellation)) > 0;)
        {
            if ((total += read) > limit)
                throw new MirrorException(url, $"sends more than {limit} bytes");
            await take(buffer.AsMemory(0, read));
        }
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
        var temporary = TemporaryOf(path);
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

    private static string TemporaryOf(string path) => $"{path}.{Guid.NewGuid():n}.tmp";

    private string PathOf(Uri name) => Path.Combine(folder, Digest(Encoding.UTF8.GetBytes(name.OriginalString))[..32]);

    internal sealed record Meta(string? ETag, DateTimeOffset? LastModified, string Sha256);
}

[JsonSerializable(typeof(IndexCache.Meta))]
internal sealed partial class CacheJson : JsonSerializerContext;
