using System.Globalization;
using Archive.Crawler.Http;

namespace Archive.Crawler.Protocols.Apt;

/// <summary>A file that a Release lists.</summary>
public sealed record ReleaseFile(string Name, long Size, string Sha256);

/// <summary>
/// A verified Release of a suite: the root of trust of everything below it. Every index it lists is checked by its digest,
/// every package by the digest in its index.
/// </summary>
/// <param name="Url">Of the InRelease (or Release) file.</param>
/// <param name="Sha256">Of that file.</param>
/// <param name="Fingerprints">Of the keys that signed it.</param>
public sealed record AptRelease(
    Uri Mirror, string Suite, Uri Url, string Sha256, IReadOnlyList<string> Fingerprints, bool ByHash, IReadOnlyDictionary<string, ReleaseFile> Files)
{
    /// <summary>That the Release is past its time; null where it is not.</summary>
    public string? Expired { get; init; }

    /// <param name="allowExpired">Take a Release past its time: a mirror that is kept as it was one day.</param>
    /// <exception cref="MirrorException">The mirror does not have the suite, or did not answer.</exception>
    /// <exception cref="SignatureException">The signature is bad, of no known key, or the Release is past its time or of another suite.</exception>
    public static async Task<AptRelease> FetchAsync(IndexCache cache, SignatureVerifier? verifier, Uri mirror, string suite, TimeProvider clock, bool allowExpired, CancellationToken cancellation)
    {
        var folder = new Uri(mirror, $"dists/{suite}/");
        var (url, signed, detached) = await ReadAsync(cache, folder, verifier is not null, cancellation);
        var verified = verifier is null ? Unverified(signed, detached) : await verifier.VerifyAsync(url.ToString(), signed, detached, cancellation);
        var fields = Parse(verified.Text, url);
        CheckSuite(fields, suite, url);
        var expired = ExpiryOf(fields, url, clock.GetUtcNow());
        if (expired is not null && !allowExpired)
            throw new SignatureException($"{url}: {expired}");
        return new AptRelease(
            mirror, suite, url, IndexCache.Digest(signed), verified.Fingerprints,
            fields.GetValueOrDefault("Acquire-By-Hash") == "yes",
            ParseFiles(fields.GetValueOrDefault("SHA256", ""), url))
        {
            Expired = expired,
        };
    }

    /// <summary>The text of a suite that is taken as it comes: of a clear-signed file what stands between its frames (RFC 9580 §7).</summary>
    private static VerifiedText Unverified(byte[] signed, byte[]? detached)
    {
        var text = System.Text.Encoding.UTF8.GetString(signed);
        var start = text.IndexOf("-----BEGIN PGP SIGNED MESSAGE-----", StringComparison.Ordinal);
        if (detached is not null || start < 0)
            return new VerifiedText(text, []);
        var end = text.IndexOf("-----BEGIN PGP SIGNATURE-----", StringComparison.Ordinal);
        var body = text[start..(end < 0 ? text.Length : end)].ReplaceLineEndings("\n");
        return new VerifiedText(body[(body.IndexOf("\n\n", StringComparison.Ordinal) + 2)..], []);
    }

    private static async Task<(Uri Url, byte[] Signed, byte[]? Detached)> ReadAsync(IndexCache cache, Uri folder, bool isSigned, CancellationToken cancellation)
    {
        var inRelease = new Uri(folder, "InRelease");
        try
        {
            return (inRelease, await cache.GetCurrentAsync(inRelease, cancellation), null);
        }
        catch (MirrorException e) when (e.IsMissing)
        {
            var release = new Uri(folder, "Release");
            var text = await cache.GetCurrentAsync(release, cancellation);
            return (release, text, isSigned ? await cache.GetCurrentAsync(new Uri(folder, "Release.gpg"), cancellation) : null);
        }
    }

    private static Dictionary<string, string> Parse(string text, Uri url)
    {
        using var reader = new StringReader(text);
        return Deb822.Read(reader, url.ToString()).FirstOrDefault() ?? throw new AptFormatException(url.ToString(), 1, "is empty");
    }

    /// <summary>A signed Release of another suite (an older one, say) must not pass for this one.</summary>
    private static void CheckSuite(Dictionary<string, string> fields, string suite, Uri url)
    {
        var names = new[] { fields.GetValueOrDefault("Suite"), fields.GetValueOrDefault("Codename") };
        if (!names.Contains(suite))
            throw new SignatureException($"{url}: is signed for {string.Join('/', names)}, not for {suite}");
    }

    private static string? ExpiryOf(Dictionary<string, string> fields, Uri url, DateTimeOffset now) =>
        fields.GetValueOrDefault("Valid-Until") is { } until && ParseTime(until, url) < now ? $"was valid until {until}" : null;

    private static DateTimeOffset ParseTime(string text, Uri url) =>
        DateTimeOffset.TryParseExact(text.Replace("UTC", "+00:00", StringComparison.Ordinal), "ddd, d MMM yyyy HH:mm:ss zzz", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? time
            : throw new AptFormatException(url.ToString(), 0, $"'{text}' is no time");

    private static Dictionary<string, ReleaseFile> ParseFiles(string text, Uri url)
    {
        var files = new Dictionary<string, ReleaseFile>(StringComparer.Ordinal);
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length != 3 || words[0].Length != 64 || !long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var size))
                throw new AptFormatException(url.ToString(), 0, $"'{line}' is no line of SHA256");
            files[words[2]] = new ReleaseFile(words[2], size, words[0].ToLowerInvariant());
        }
        return files;
    }
}
