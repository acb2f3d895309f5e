using System.Net;

namespace Archive.Crawler.Http;

/// <summary>What an answer's status means to a crawl.</summary>
internal static class Statuses
{
    /// <summary>Asked to wait for longer than this, a crawl goes on with something else.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(30);

    /// <exception cref="MirrorException">The mirror has no such file, or wants to be asked much later.</exception>
    /// <exception cref="BusyException">It wants to be asked again in a moment.</exception>
    /// <exception cref="HttpRequestException">Another failure.</exception>
    public static void RequireSuccess(HttpResponseMessage response, Uri url, TimeProvider clock)
    {
        if (response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Gone or HttpStatusCode.Forbidden)
            throw new MirrorException(url, $"status {(int)response.StatusCode}", isMissing: true);
        if (response.StatusCode is HttpStatusCode.TooManyRequests or HttpStatusCode.ServiceUnavailable && RetryAfter(response, clock) is { } wait)
        {
            throw wait > LongestWait
                ? new MirrorException(url, $"status {(int)response.StatusCode}, to be asked again in {wait.TotalSeconds:0} s") { RetryAt = clock.GetUtcNow() + wait }
                : new BusyException(response.StatusCode, wait);
        }
        response.EnsureSuccessStatusCode();
    }

    private static TimeSpan? RetryAfter(HttpResponseMessage response, TimeProvider clock)
    {
        var header = response.Headers.RetryAfter;
        var wait = header?.Delta ?? header?.Date - clock.GetUtcNow();
        return wait is { } time ? TimeSpan.FromTicks(Math.Max(0, time.Ticks)) : null;
    }
}

/// <summary>A server that asks for a moment.</summary>
internal sealed class BusyException(HttpStatusCode status, TimeSpan retryAfter) : HttpRequestException($"status {(int)status}, busy", null, status)
{
    public TimeSpan RetryAfter { get; } = retryAfter;
}
