using Archive.Store.Kernels;

namespace Archive.Store.Catalogue;

/// <summary>
/// What is known of every kernel build: seen, failed with a reason, published with digests, withdrawn. SQL behind it;
/// one row a build (key + package name + package version). The row of a publication is written after its blobs, so that whatever the
/// catalogue says is published can be read.
/// </summary>
public interface ICatalogue
{
    /// <summary>Creates or migrates the schema; safe when several processes start at once.</summary>
    Task InitialiseAsync(CancellationToken cancellation);

    /// <summary>Adds the build as <see cref="Outcome.Pending"/> unless it is there; returns its record as it now stands.</summary>
    Task<KernelRecord> SeenAsync(KernelBuild build, CancellationToken cancellation);

    Task<KernelRecord?> FindAsync(KernelKey key, string packageName, string packageVersion, CancellationToken cancellation);

    /// <summary>Records a failure or a withdrawal (reason required); counts the attempt. A published row is only changed by <see cref="Outcome.Withdrawn"/> and <see cref="Outcome.Conflict"/> keeps its publication.</summary>
    Task RecordOutcomeAsync(KernelBuild build, Outcome outcome, string reason, DateTimeOffset? retryAt, CancellationToken cancellation);

    /// <summary>Lets a failed build be tried again from this time on; its outcome and reason stay.</summary>
    Task RetryAsync(KernelBuild build, DateTimeOffset from, CancellationToken cancellation);

    /// <summary>Records the publication; the caller has stored every form before.</summary>
    Task RecordPublicationAsync(KernelBuild build, Publication publication, CancellationToken cancellation);

    /// <summary>Rows that satisfy every given part of the filter, in order of sequence; with a pattern of unames in order of uname, then of sequence.</summary>
    Task<IReadOnlyList<KernelRecord>> ListAsync(KernelFilter filter, CancellationToken cancellation);

    /// <summary>
    /// What is published and satisfies the filter (its <c>After</c>, <c>Limit</c> and <c>Outcome</c> do not count), in order of the tree: distro,
    /// version, arch, uname, package. Read page by page: what is published meanwhile may be among it or not.
    /// </summary>
    IAsyncEnumerable<KernelRecord> PublishedAsync(KernelFilter filter, CancellationToken cancellation);

    /// <summary>The record whose publication has this digest (raw or tarball), or this build-id; newest package version first.</summary>
    Task<IReadOnlyList<KernelRecord>> FindByDigestAsync(string sha256, CancellationToken cancellation);

    Task<IReadOnlyList<KernelRecord>> FindByBuildIdAsync(string buildId, CancellationToken cancellation);

    /// <summary>
    /// Another number whenever something may have changed since it was asked for: what was made before from the catalogue holds as long as the number stays.
    /// Changes of this object count at once, those of others after a hundredth of a second. Null where asking costs what a look-up does.
    /// </summary>
    ValueTask<long?> VersionAsync(CancellationToken cancellation);

    /// <summary>Every build of this uname, wherever it is; newest package version first.</summary>
    Task<IReadOnlyList<KernelRecord>> FindByUnameAsync(string uname, CancellationToken cancellation);

    /// <summary>
    /// Published builds whose unames begin alike and stand next to the given one in order of their bytes: up to the filter's limit before it, and as many behind it.
    /// Of the filter distro, version, arch and limit count.
    /// </summary>
    /// <param name="beginning">Of the uname; not empty.</param>
    Task<IReadOnlyList<KernelRecord>> NeighboursAsync(string beginning, string uname, KernelFilter filter, CancellationToken cancellation);

    /// <summary>How far the chain of publications and withdrawals goes.</summary>
    Task<ChainHead> ChainHeadAsync(CancellationToken cancellation);

    /// <summary>Entries of the chain behind a position, in order.</summary>
    Task<IReadOnlyList<ChainEntry>> ChainAsync(long after, int limit, CancellationToken cancellation);

    /// <summary>Visits everything published in order of the tree, and returns the chain's head, all as of one moment.</summary>
    Task<ChainHead> VisitPublishedAsync(Action<KernelRecord> visit, CancellationToken cancellation);

    /// <summary>Numbers of builds by place and outcome, counted with each change: the answer takes as long for a thousand builds as for a million.</summary>
    Task<IReadOnlyList<CoverageCount>> CoverageAsync(CancellationToken cancellation);

    /// <summary>Notes what an administrator did.</summary>
    /// <param name="who">Name of the key.</param>
    Task AuditAsync(string who, string action, string detail, CancellationToken cancellation);

    /// <summary>Latest entries of the audit log, newest first.</summary>
    Task<IReadOnlyList<AuditRecord>> AuditsAsync(int limit, CancellationToken cancellation);

    /// <summary>
    /// Records what a source lists, in one transaction. What it listed before and the scopes do not list any more is marked as gone, with the
    /// time; nothing is removed, and what comes back is no longer gone.
    /// </summary>
    /// <param name="scopes">Parts of the source that were read to their end; of others nothing is known.</param>
    Task RecordListingAsync(string source, IReadOnlyCollection<string> scopes, IEnumerable<ListedKernel> kernels, CancellationToken cancellation);

    /// <summary>All builds of a distro, in a few words each.</summary>
    Task<IReadOnlyDictionary<BuildIdentity, KnownBuild>> KnownAsync(string distro, CancellationToken cancellation);

    /// <summary>What is listed against what is published, by distro, version and arch.</summary>
    Task<IReadOnlyList<ListedCoverage>> ListedCoverageAsync(ListedFilter filter, CancellationToken cancellation);

    /// <summary>Kernels that are listed and not published, each with what is known of why, in order of distro, version, arch, uname.</summary>
    Task<IReadOnlyList<ListedGap>> ListedGapsAsync(ListedFilter filter, CancellationToken cancellation);

    Task<long> StartRunAsync(string source, CancellationToken cancellation);

    /// <summary>Notes how far a run is; also that it is still alive (<see cref="CrawlRunRecord.AliveFor"/>).</summary>
    /// <param name="doing">The kernel or part that it is at.</param>
    Task NoteProgressAsync(long runId, CrawlRunResult soFar, string? doing, CancellationToken cancellation);

    Task FinishRunAsync(long runId, CrawlRunResult result, CancellationToken cancellation);

    /// <summary>Latest runs, newest first.</summary>
    Task<IReadOnlyList<CrawlRunRecord>> RunsAsync(string? source, int limit, CancellationToken cancellation);

    /// <summary>All runs of each source in sum, by name.</summary>
    Task<IReadOnlyList<SourceRuns>> SourceRunsAsync(CancellationToken cancellation);
}

/// <summary>Every part is optional; <c>Uname</c> matches exactly, <c>UnamePattern</c> by * and ?.</summary>
public sealed record KernelFilter
{
    public string? Distro { get; init; }
    public string? Version { get; init; }
    public string? Arch { get; init; }
    public string? Uname { get; init; }
    public string? UnamePattern { get; init; }
    public Outcome? Outcome { get; init; }

    /// <summary>Only builds that could have BTF and have none: pending or failed.</summary>
    public bool IsGap { get; init; }

    /// <summary>Only rows with a sequence above this.</summary>
    public long After { get; init; }

    /// <summary>With a pattern of unames: only rows behind this one, where the page before ended.</summary>
    public KernelPosition? Behind { get; init; }

    public int Limit { get; init; } = 1000;
}

/// <summary>How many builds of one place have an outcome.</summary>
/// <param name="ShipsBtf">Of those: kernels that have BTF of their own.</param>
/// <param name="Updated">The latest change of a build that had the outcome after it, Unix milliseconds; among a place's outcomes, of any of its builds.</param>
public sealed record CoverageCount(string Distro, string Version, string Arch, string Outcome, long Builds, long ShipsBtf, long Updated);

/// <param name="Time">Unix milliseconds.</param>
public sealed record AuditRecord(long Id, long Time, string Who, string Action, string Detail);
