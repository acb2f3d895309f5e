using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization;
using Archive.Store.Catalogue;
using Archive.Store.Trust;

namespace Archive.Store.Mirrors;

/// <summary>A key of the archive as <c>/v1/keys</c> shows it.</summary>
/// <param name="Endorsement">Base64 of the predecessor's signature on the statement of <see cref="ArchiveKey.Statement"/>; null for the first.</param>
public sealed record KeyDocument(int Number, string Id, string Pem, string? Endorsement)
{
    public static KeyDocument Of(ArchiveKey key) =>
        new(key.Number, key.PublicKey.Id, key.PublicKey.ToPem(), key.Endorsement is { } bytes ? Convert.ToBase64String(bytes) : null);

    public ArchiveKey ToKey() => new(Number, Ed25519PublicKey.OfPem(Pem), Endorsement is null ? null : Convert.FromBase64String(Endorsement));
}

/// <summary>The keys, oldest first; the last one signs.</summary>
public sealed record KeyList(IReadOnlyList<KeyDocument> Keys);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(KeyList))]
public sealed partial class KeyJson : JsonSerializerContext;

/// <summary>Another archive, or an exported tree on any web server. Requests that fail for the moment are tried again.</summary>
public sealed class HttpMirrorSource(HttpClient client, Uri archive) : IMirrorSource
{
    private const int Attempts = 4;
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private readonly Uri _archive = archive.AbsoluteUri.EndsWith('/') ? archive : new Uri(archive.AbsoluteUri + "/");

    public async Task<IReadOnlyList<ArchiveKey>> KeysAsync(CancellationToken cancellation)
    {
        using var answer = await GetAsync("v1/keys", cancellation);
        var list = await answer.Content.ReadFromJsonAsync(KeyJson.Default.KeyList, cancellation) ?? throw new MirrorSourceException("the list of keys is null");
        return [.. list.Keys.Select(k => k.ToKey())];
    }

    /// <summary>An archive sends the signature along, since the next request may meet the next checkpoint; a plain web server has it as a file.</summary>
    public async Task<SignedCheckpoint> CheckpointAsync(CancellationToken cancellation)
    {
        using var answer = await GetAsync("v1/checkpoint", cancellation);
        var bytes = await answer.Content.ReadAsByteArrayAsync(cancellation);
        if (answer.Headers.TryGetValues("Btf-Archive-Signature", out var values))
            return new SignedCheckpoint(bytes, Convert.FromBase64String(values.First()));
        using var signature = await GetAsync("v1/checkpoint.sig", cancellation);
        return new SignedCheckpoint(bytes, await signature.Content.ReadAsByteArrayAsync(cancellation));
    }

    public async IAsyncEnumerable<ChainEntry> ChainAsync(long after, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await using var stream = await OpenAsync(string.Create(CultureInfo.InvariantCulture, $"v1/chain?after={after}"), cancellation);
        using var reader = new StreamReader(stream);
        while (await reader.ReadLineAsync(cancellation) is { } line)
        {
            var entry = ChainText.Parse(line);
            if (entry.Position > after) // A plain web server has the whole of it.
                yield return entry;
        }
    }

    public Task<Stream> OpenSumsAsync(CancellationToken cancellation) => OpenAsync("v1/SHA256SUMS", cancellation);

    public async Task<Stream> OpenAsync(string blobKey, CancellationToken cancellation) =>
        await (await GetAsync(blobKey, cancellation)).Content.ReadAsStreamAsync(cancellation);

    private async Task<HttpResponseMessage> GetAsync(string path, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var answer = await client.GetAsync(new Uri(_archive, path), HttpCompletionOption.ResponseHeadersRead, cancellation);
                if (answer.IsSuccessStatusCode)
                    return answer;
                answer.Dispose();
                if (attempt == Attempts || !IsOfTheMoment(answer.StatusCode))
                    throw new MirrorSourceException($"{_archive}{path}: {(int)answer.StatusCode}");
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancellation.IsCancellationRequested)
            {
                if (attempt == Attempts)
                    throw new MirrorSourceException($"{_archive}{path}: {e.Message}", e);
            }
            await Task.Delay(FirstPause * (1 << (attempt - 1)), cancellation);
        }
    }

    private static bool IsOfTheMoment(HttpStatusCode status) => (int)status >= 500 || status is HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout;
}

/// <summary>The chain as text: a line an entry, position, hash and what it says between tabs.</summary>
public static class ChainText
{
    public static string Write(ChainEntry entry) => string.Create(CultureInfo.InvariantCulture, $"{entry.Position}\t{entry.Hash}\t{entry.Line}\n");

    /// <exception cref="MirrorSourceException">The line is no entry.</exception>
    public static ChainEntry Parse(string line)
    {
        var fields = line.Split('\t', 3);
        return fields.Length == 3 && long.TryParse(fields[0], NumberStyles.None, CultureInfo.InvariantCulture, out var position)
            ? new ChainEntry(position, fields[1], fields[2])
            : throw new MirrorSourceException($"'{line[..Math.Min(line.Length, 200)]}' is no entry of a chain");
    }
}
