namespace Archive.Crawler.Http;

/// <summary>What a mirror sent is not what was asked for or promised (status, length, digest), or nothing came; the message names URL and value.</summary>
public sealed class MirrorException(Uri url, string problem, bool isMissing = false, Exception? inner = null) : Exception($"{url}: {problem}", inner)
{
    public Uri Url { get; } = url;

    /// <summary>The mirror says that it has no such file (404, 410).</summary>
    public bool IsMissing { get; } = isMissing;

    /// <summary>When the mirror said that it may be asked again; null where it said nothing.</summary>
    public DateTimeOffset? RetryAt { get; init; }
}
