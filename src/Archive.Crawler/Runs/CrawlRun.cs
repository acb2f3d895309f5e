using Archive.Crawler.Sources;
using Archive.Extractor;
using Archive.Store;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Microsoft.Extensions.Logging;

namespace Archive.Crawler.Runs;

/// <param name="Listing">What the source has, the request's part of it and the rest.</param>
/// <param name="Selected">The builds that the request is about.</param>
/// <param name="Todo">Those of them that are to be fetched now, in this order.</param>
public sealed record CrawlPlan(Listing Listing, IReadOnlyList<FoundKernel> Selected, IReadOnlyList<FoundKernel> Todo)
{
    /// <summary>Parts of the source that could not be read or trusted.</summary>
    public IReadOnlyList<string> Failures => Listing.Failures;

    /// <summary>Published builds of which the index lists other bytes now, with the digest of the published package.</summary>
    public IReadOnlyList<(KernelBuild Build, string Published)> Conflicts { get; init; } = [];
}

/// <summary>
/// One crawl: list what the source has, take the difference with the catalogue, and see each kernel through on its own.
/// A kernel that fails is recorded and stops no other; a full disk stops the run and is nobody's outcome.
/// </summary>
public sealed class CrawlRun(ArchiveStore store, RepositorySource source, KernelFetcher fetcher, TimeProvider clock, ILogger<CrawlRun> log)
{
    private readonly KernelPublisher _publisher = new(store.Blobs, store.Catalogue, clock);

    /// <summary>Lists the builds that the request is about, and those of them that are to be fetched now.</summary>
    /// <exception cref="CrawlException">The source cannot be read.</exception>
    public async Task<CrawlPlan> PlanAsync(
        CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        var listing = await source.ListAsync(request, progress, cancellation);
        var selected = KernelSelection.Of(listing.Packages, source.Definition, request);
        var known = await store.Catalogue.KnownAsync(source.Definition.Distro, cancellation);
        var todo = selected.Select(found => NextAttempt(found, known, request)).OfType<FoundKernel>()
            .OrderBy(k => k.Age).ThenBy(k => k.Build.PackageSize).ToList();
        progress?.Report(new Planned([.. selected.Select(f => f.Build)], [.. todo.Select(f => f.Build)]));
        return new CrawlPlan(listing, selected, todo) { Conflicts = [.. selected.Select(f => f.Build).Where(b => IsConflict(b, known)).Select(b => (b, known[BuildIdentity.Of(b)].PackageSha256))] };
    }

    /// <param name="queue">Takes the kernels that are to be fetched, where workers see them through; it tells whether it had to.</param>
    /// <exception cref="CrawlException">The source cannot be read, or nothing can be stored.</exception>
    public async Task<CrawlRunResult> RunAsync(
        CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation, Func<FoundKernel, CrawlRequest, CancellationToken, Task<bool>>? queue = null)
    {
        var run = await store.Catalogue.StartRunAsync(request.Source, cancellation);
        var heart = new RunHeartbeat(store.Catalogue, run, clock, log, progress);
        try
        {
            await RunAsync(request, heart, queue, cancellation);
            return heart.SoFar;
        }
        catch (Exception e)
        {
            heart.SoFar = heart.SoFar with { Error = e is OperationCanceledException ? "stopped" : e.Message, IsBroken = true };
            throw;
        }
        finally
        {
            await heart.DisposeAsync();
            await FinishAsync(run, heart.SoFar);
        }
    }

    private async Task RunAsync(CrawlRequest request, RunHeartbeat heart, Func<FoundKernel, CrawlRequest, CancellationToken, Task<bool>>? queue, CancellationToken cancellation)
    {
        var plan = await PlanAsync(request, heart, cancellation);
        var (listing, selected, todo) = plan;
        await RecordListingAsync(request.Source, listing, cancellation);
        var failures = listing.Failures;
        heart.SoFar = heart.SoFar with { Found = selected.Count, New = todo.Count, Error = failures.Count == 0 ? null : string.Join("; ", failures), Failures = failures };
        foreach (var (build, published) in plan.Conflicts)
            heart.SoFar = Count(heart.SoFar, await NoteConflictAsync(build, published, heart, cancellation));
        foreach (var found in todo)
        {
            await heart.NoteAsync(cancellation);
            heart.SoFar = queue is null
                ? Count(heart.SoFar, await ProcessAnyAsync(found, request, heart, cancellation))
                : CountQueued(heart.SoFar, await queue(found, request, cancellation));
        }
    }

    /// <summary>One kernel that a crawl found, now; nothing happens where it is done already.</summary>
    /// <exception cref="CrawlException">Nothing can be stored.</exception>
    public async Task SeeThroughAsync(FoundKernel found, CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        await ProcessAnyAsync(found, request, progress, cancellation);
        await _publisher.ServeNewestAsync(found.Build.Key, cancellation);
    }

    private static CrawlRunResult CountQueued(CrawlRunResult tally, bool isNew) => !isNew ? tally : tally with
    {
        Outcomes = new Dictionary<string, int>(tally.Outcomes) { ["queued"] = tally.Outcomes.GetValueOrDefault("queued") + 1 },
    };

    /// <summary>Also when the run was cancelled; a catalogue that cannot be written must not hide why the run ended.</summary>
    private async Task FinishAsync(long run, CrawlRunResult tally)
    {
        try
        {
            await store.Catalogue.FinishRunAsync(run, tally, CancellationToken.None);
        }
        catch (Exception e)
        {
            log.LogError(e, "The end of crawl run {Run} could not be recorded", run);
        }
    }

    private Task RecordListingAsync(string name, Listing listing, CancellationToken cancellation) => store.Catalogue.RecordListingAsync(
        name,
        [.. listing.Complete.Select(p => p.Name)],
        listing.Packages.Select(p => new ListedKernel(
            p.Scope, p.Build.Key, p.Build.PackageName, p.Build.PackageVersion, p.Grade.ToString().ToLowerInvariant(), p.Build.PackageSize, p.Build.PackageUrl)),
        cancellation);

    /// <summary>The first package of the kernel that is worth an attempt; null where there is none, or the kernel is done by any of them.</summary>
    private FoundKernel? NextAttempt(FoundKernel found, IReadOnlyDictionary<BuildIdentity, KnownBuild> known, CrawlRequest request)
    {
        FoundKernel? due = null;
        foreach (var candidate in found.Chain())
        {
            var build = known.GetValueOrDefault(BuildIdentity.Of(candidate.Build));
            if (build?.Outcome is Outcome.Published or Outcome.Withdrawn or Outcome.Conflict)
                return null;
            if (IsDue(candidate, build?.Outcome, build?.RetryAt, request))
                due ??= candidate;
        }
        return due;
    }

    private bool IsDue(FoundKernel found, Outcome? outcome, DateTimeOffset? retryAt, CrawlRequest request) => outcome switch
    {
        null or Outcome.Pending => true,
        Outcome.Published or Outcome.Withdrawn or Outcome.Conflict => false,
        Outcome.Native => !found.Package.NoteOnly,
        _ => request.RetryFailed || retryAt <= clock.GetUtcNow(),
    };

    private static CrawlRunResult Count(CrawlRunResult tally, (Outcome? Outcome, long Bytes) kernel) => tally with
    {
        Published = tally.Published + (kernel.Outcome == Outcome.Published ? 1 : 0),
        Failed = tally.Failed + (kernel.Outcome is not (null or Outcome.Published or Outcome.Native) ? 1 : 0),
        DownloadedBytes = tally.DownloadedBytes + kernel.Bytes,
        Outcomes = kernel.Outcome is { } outcome
            ? new Dictionary<string, int>(tally.Outcomes) { [outcome.Text()] = tally.Outcomes.GetValueOrDefault(outcome.Text()) + 1 }
            : tally.Outcomes,
    };

    private static bool IsConflict(KernelBuild build, IReadOnlyDictionary<BuildIdentity, KnownBuild> known) => build.PackageSha256.Length > 0
        && known.GetValueOrDefault(BuildIdentity.Of(build)) is { Outcome: Outcome.Published } published && published.PackageSha256 != build.PackageSha256;

    /// <summary>An index that lists other bytes for a build that is published already: neither is to be believed blindly, and ours stays.</summary>
    private async Task<(Outcome? Outcome, long Bytes)> NoteConflictAsync(KernelBuild build, string published, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        var reason = $"published from a package with SHA-256 {published}, the index now lists {build.PackageSha256}";
        await store.Catalogue.RecordOutcomeAsync(build, Outcome.Conflict, reason, null, cancellation);
        log.LogWarning("{Kernel}: conflict: {Reason}", build.Key, reason);
        progress?.Report(new KernelFinished(build, Outcome.Conflict, reason, TimeSpan.Zero, 0));
        return (Outcome.Conflict, 0);
    }

    /// <summary>The kernel by its first package, and by the next where that one is of no use.</summary>
    private async Task<(Outcome? Outcome, long Bytes)> ProcessAnyAsync(FoundKernel found, CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        long bytes = 0;
        Outcome? first = null;
        foreach (var candidate in found.Chain())
        {
            var (outcome, received) = await ProcessAsync(candidate, request, progress, cancellation);
            bytes += received;
            if (outcome is null or Outcome.Published or Outcome.Native)
                return (outcome, bytes);
            first ??= outcome;
        }
        return (first, bytes);
    }

    /// <returns>The outcome; null where another process has the kernel.</returns>
    private async Task<(Outcome? Outcome, long Bytes)> ProcessAsync(FoundKernel found, CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        var build = found.Build;
        try
        {
            using var scratch = store.Work.TryEnter(build);
            if (scratch is null)
                return PassOver(build, "another process works on it", progress);

            // It may have been finished between the plan and now.
            var record = await store.Catalogue.SeenAsync(build, cancellation);
            if (!IsDue(found, record.Outcome, record.RetryAt, request))
                return PassOver(build, $"is {record.Outcome.Text()} by now", progress);
            return await ConvertAsync(found, record, scratch.FullPath, request, progress, cancellation);
        }
        catch (Exception e) when (Outcomes.StopsRun(e))
        {
            throw new CrawlException($"{build.Key}: {e.Message}", e);
        }
    }

    private static (Outcome?, long) PassOver(KernelBuild build, string reason, IProgress<CrawlEvent>? progress)
    {
        progress?.Report(new KernelPassedOver(build, reason));
        return (null, 0);
    }

    private async Task<(Outcome? Outcome, long Bytes)> ConvertAsync(
        FoundKernel found, KernelRecord record, string scratch, CrawlRequest request, IProgress<CrawlEvent>? progress, CancellationToken cancellation)
    {
        var build = found.Build;
        var started = clock.GetTimestamp();
        long bytes = 0;
        var (outcome, reason) = (Outcome.Published, (string?)null);
        try
        {
            var fetched = await fetcher.FetchAsync(found, scratch, request, progress, cancellation);
            bytes = fetched.DownloadedBytes;
            Check(fetched.Kernel, build);
            if (found.Package.NoteOnly)
                (outcome, reason) = await NoteAsync(build, fetched.Kernel, cancellation);
            else
                await _publisher.PublishAsync(found, fetched, cancellation);
        }
        catch (Exception e) when (Outcomes.Of(e) is { } failure)
        {
            (outcome, reason) = (failure, e.Message);
            var retry = Outcomes.RetryAt(e, record.Attempts, clock.GetUtcNow());
            await store.Catalogue.RecordOutcomeAsync(build, failure, reason, retry, cancellation);
        }
        var elapsed = clock.GetElapsedTime(started);
        log.LogInformation("{Kernel} {PackageVersion}: {Outcome} in {Elapsed:0.0} s, {Bytes} bytes{Reason}",
            build.Key, build.PackageVersion, outcome.Text(), elapsed.TotalSeconds, bytes, reason is null ? "" : $": {reason}");
        progress?.Report(new KernelFinished(build, outcome, reason, elapsed, bytes));
        return (outcome, bytes);
    }

    private async Task<(Outcome, string)> NoteAsync(KernelBuild build, ConvertedKernel kernel, CancellationToken cancellation)
    {
        var reason = $"ships its own BTF ({kernel.TypeCounts.Values.Sum()} types), which this archive only notes";
        await store.Catalogue.RecordOutcomeAsync(build, Outcome.Native, reason, null, cancellation);
        return (Outcome.Native, reason);
    }

    private static void Check(ConvertedKernel kernel, KernelBuild build)
    {
        PublicationChecks.Check(kernel, build.Key.Uname);
        if (kernel.Facts.Arch != build.Key.Arch)
            throw new ValidationException($"arch: the image is {kernel.Facts.Arch}, the package says {build.Key.Arch}");
    }
}
