using Archive.Crawler.Http;
using Archive.Crawler.Protocols;
using Archive.Extractor;
using Archive.Store.Blobs;
using Archive.Store.Kernels;
using Btf;

namespace Archive.Crawler.Runs;

/// <summary>The one place where an exception becomes an outcome of a kernel.</summary>
internal static class Outcomes
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMinutes(10), LastRetry = TimeSpan.FromDays(1);

    private const double Jitter = 0.2;

    private const int NoSpaceLeft = 28, QuotaExceeded = 122;

    /// <summary>Null where the exception says nothing about the kernel: cancellation, a full disk, a bug of ours.</summary>
    public static Outcome? Of(Exception e) => e switch
    {
        MirrorException => Outcome.DownloadFailed,
        SignatureException => Outcome.SignatureFailed,
        NoDebugInfoException => Outcome.NoDebugInfo,
        UnsupportedImageException => Outcome.Unsupported,
        MalformedInputException or ValidationException => Outcome.Malformed,
        ConflictException => Outcome.Conflict,
        _ => null,
    };

    /// <summary>Nothing can be stored any more: going on with other kernels would fail alike.</summary>
    public static bool StopsRun(Exception e) =>
        e is BlobStoreException or MissingLibraryException || e is IOException && (e.HResult & 0xffff) is NoSpaceLeft or QuotaExceeded;

    /// <summary>
    /// Downloads are worth another try, ever later, and not all at the same moment; not before the mirror said. What we could not read
    /// stays so until the converter changes.
    /// </summary>
    public static DateTimeOffset? RetryAt(Exception e, int attempts, DateTimeOffset now)
    {
        if (Of(e) != Outcome.DownloadFailed)
            return null;
        var delay = Math.Min(LastRetry.Ticks, FirstRetry.Ticks << Math.Min(attempts, 10));
        var own = now + TimeSpan.FromTicks((long)(delay * (1 + (Jitter * Random.Shared.NextDouble()))));
        return (e as MirrorException)?.RetryAt is { } asked && asked > own ? asked : own;
    }
}

/// <summary>A build that was published already came out differently.</summary>
internal sealed class ConflictException(string message) : Exception(message);
