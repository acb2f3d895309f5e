using Archive.Crawler.Http;
using Archive.Crawler.Protocols.Apt;
using Archive.Extractor;
using Archive.Store.Blobs;
using Archive.Store.Kernels;
using Btf;

namespace Archive.Crawler.Runs;

/// <summary>The one place where an exception becomes an outcome of a kernel.</summary>
internal static class Outcomes
{
    private static readonly TimeSpan FirstRetry = TimeSpan.FromMinutes(10), LastRetry = TimeSpan.FromDays(1);

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

    /// <summary>Downloads are worth another try, ever later; what we could not read stays so until the converter changes.</summary>
    public static DateTimeOffset? RetryAt(Outcome outcome, int attempts, DateTimeOffset now) => outcome == Outcome.DownloadFailed
        ? now + TimeSpan.FromTicks(Math.Min(LastRetry.Ticks, FirstRetry.Ticks << Math.Min(attempts, 10)))
        : null;
}

/// <summary>A build that was published already came out differently.</summary>
internal sealed class ConflictException(string message) : Exception(message);
