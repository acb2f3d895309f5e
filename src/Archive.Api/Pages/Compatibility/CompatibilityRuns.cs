using System.Collections.Concurrent;
using System.Threading.Channels;
using Archive.Api.Objects;
using Archive.Store.Blobs;
using Btf.CoRe;

namespace Archive.Api.Pages.Compatibility;

/// <summary>
/// The runs that were asked for by pages. They are worked on one after the other. The store that all replicas share has them (<see cref="SharedRuns"/>), until
/// they expire or are deleted; memory has those of late. A process that is asked for a run which has no answer yet works it out, whoever was asked first.
/// </summary>
public sealed class CompatibilityRuns(CompatibilityReports reports, SharedRuns shared, TimeProvider clock, ILogger<CompatibilityRuns> log) : BackgroundService
{
    private const int MaxRuns = 200, MaxWaiting = 20;
    private const long MaxBytes = 512L << 20;

    /// <summary>How long a run and its objects are kept.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromHours(24);
    private static readonly TimeSpan SweepEvery = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, CompatibilityRun> _runs = new(StringComparer.Ordinal);
    private readonly Channel<CompatibilityRun> _waiting = Channel.CreateBounded<CompatibilityRun>(MaxWaiting);

    /// <exception cref="BadHttpRequestException">With 429: too many wait already.</exception>
    /// <exception cref="BlobStoreException">The store does not take it.</exception>
    public async Task<CompatibilityRun> StartAsync(
        IReadOnlyList<UploadedObject> objects, long bytes, CoreLoader loader, string selection, IReadOnlyList<SelectedKernel> kernels, CancellationToken cancellation)
    {
        var address = RunAddress.Create(clock.GetUtcNow() + Kept);
        var run = new CompatibilityRun(address.Id, objects, loader, selection, kernels, bytes, address.Expires);
        await shared.SaveAsync(address, run, cancellation);
        if (Hold(run))
            return run;
        await shared.RemoveAsync(address, CancellationToken.None);
        throw new BadHttpRequestException("Too many objects are being worked on; come again in a minute.", StatusCodes.Status429TooManyRequests);
    }

    /// <summary>Null where there is none, or none any more.</summary>
    public async Task<CompatibilityRun?> FindAsync(string id, CancellationToken cancellation)
    {
        if (RunAddress.Parse(id) is not { } address || address.Expires <= clock.GetUtcNow())
            return null;
        var known = _runs.GetValueOrDefault(id);
        var run = await shared.FindAsync(address, known, cancellation);
        if (run is null)
            _runs.TryRemove(id, out _);
        else if (known is null)
            Hold(run);
        return run;
    }

    /// <summary>Forgets it with its objects before its time.</summary>
    public async Task RemoveAsync(string id, CancellationToken cancellation)
    {
        _runs.TryRemove(id, out _);
        if (RunAddress.Parse(id) is { } address)
            await shared.RemoveAsync(address, cancellation);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Task.WhenAll(WorkAsync(stoppingToken), SweepAsync(stoppingToken));

    private async Task WorkAsync(CancellationToken stopping)
    {
        await foreach (var run in _waiting.Reader.ReadAllAsync(stopping))
        {
            if (!run.IsFinished && _runs.ContainsKey(run.Id))
                await WorkAsync(run, stopping);
        }
    }

    private async Task SweepAsync(CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(SweepEvery, clock);
        do
        {
            try
            {
                await shared.SweepAsync(stopping);
            }
            catch (BlobStoreException e)
            {
                log.LogWarning("Expired compatibility runs cannot be deleted yet: {Reason}", e.Message);
            }
        }
        while (await timer.WaitForNextTickAsync(stopping));
    }

    private async Task WorkAsync(CompatibilityRun run, CancellationToken cancellation)
    {
        try
        {
            run.Reports = await reports.MakeAsync(run.Objects, run.Loader, run.Kernels, ModuleSelection.None, done => run.Done = done, cancellation);
        }
        catch (Exception e) when (e is BadHttpRequestException or Btf.MalformedInputException or BlobStoreException)
        {
            run.Problem = e.Message;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            log.LogError(e, "A compatibility run failed");
            run.Problem = "It failed for a reason of ours, which is in the log.";
        }
        try
        {
            await shared.SaveAnswerAsync(RunAddress.Parse(run.Id)!, run, cancellation);
        }
        catch (BlobStoreException e)
        {
            log.LogWarning("The answer of a compatibility run is in this process alone: {Reason}", e.Message);
        }
    }

    /// <summary>In memory, and in the queue where it has no answer; false where there is no room.</summary>
    private bool Hold(CompatibilityRun run)
    {
        Forget(run.Bytes);
        if (_runs.Count >= MaxRuns || _runs.Values.Sum(kept => kept.Bytes) + run.Bytes > MaxBytes)
            return false;
        if (!_runs.TryAdd(run.Id, run))
            return true;
        if (run.IsFinished || _waiting.Writer.TryWrite(run))
            return true;
        _runs.TryRemove(run.Id, out _);
        return false;
    }

    private void Forget(long bytes)
    {
        foreach (var run in _runs.Values.Where(run => run.Expires <= clock.GetUtcNow()))
            _runs.TryRemove(run.Id, out _);
        foreach (var run in _runs.Values.Where(run => run.IsFinished).OrderBy(run => run.Expires))
        {
            if (_runs.Count < MaxRuns && _runs.Values.Sum(kept => kept.Bytes) + bytes <= MaxBytes)
                return;
            _runs.TryRemove(run.Id, out _);
        }
    }
}
