using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Threading.Channels;
using Archive.Api.Objects;
using Archive.Store.Blobs;
using Btf.CoRe;

namespace Archive.Api.Pages.Compatibility;

/// <summary>
/// The runs that were asked for by pages. They are worked on one after the other, and held in memory with their objects, nowhere else, until they
/// expire or the process ends. How many there are, and the bytes of their objects, are bounded: the oldest that is finished goes first.
/// </summary>
public sealed class CompatibilityRuns(CompatibilityReports reports, TimeProvider clock, ILogger<CompatibilityRuns> log) : BackgroundService
{
    private const int MaxRuns = 200, MaxWaiting = 20;
    private const long MaxBytes = 512L << 20;

    /// <summary>How long a run and its objects are kept.</summary>
    public static readonly TimeSpan Kept = TimeSpan.FromHours(24);

    private readonly ConcurrentDictionary<string, CompatibilityRun> _runs = new(StringComparer.Ordinal);
    private readonly Channel<CompatibilityRun> _waiting = Channel.CreateBounded<CompatibilityRun>(MaxWaiting);

    /// <exception cref="BadHttpRequestException">With 429: too many wait already.</exception>
    public CompatibilityRun Start(IReadOnlyList<UploadedObject> objects, long bytes, CoreLoader loader, string selection, IReadOnlyList<SelectedKernel> kernels)
    {
        Forget(bytes);
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));
        var run = new CompatibilityRun(id, objects, loader, selection, kernels, bytes, clock.GetUtcNow() + Kept);
        if (!_waiting.Writer.TryWrite(run))
            throw new BadHttpRequestException("Too many objects are being worked on; come again in a minute.", StatusCodes.Status429TooManyRequests);
        _runs[id] = run;
        return run;
    }

    /// <summary>Null where there is none, or none any more.</summary>
    public CompatibilityRun? Find(string id) => _runs.TryGetValue(id, out var run) && run.Expires > clock.GetUtcNow() ? run : null;

    /// <summary>Forgets it with its objects before its time.</summary>
    public void Remove(string id) => _runs.TryRemove(id, out _);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await foreach (var run in _waiting.Reader.ReadAllAsync(stoppingToken))
        {
            if (Find(run.Id) is not null)
                await WorkAsync(run, stoppingToken);
        }
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
    }

    private void Forget(long bytes)
    {
        foreach (var run in _runs.Values.Where(run => run.Expires <= clock.GetUtcNow()))
            Remove(run.Id);
        foreach (var run in _runs.Values.Where(run => run.IsFinished).OrderBy(run => run.Expires))
        {
            if (_runs.Count < MaxRuns && _runs.Values.Sum(kept => kept.Bytes) + bytes <= MaxBytes)
                return;
            Remove(run.Id);
        }
        if (_runs.Count >= MaxRuns || _runs.Values.Sum(kept => kept.Bytes) + bytes > MaxBytes)
            throw new BadHttpRequestException("Too many objects are held already; come again later.", StatusCodes.Status429TooManyRequests);
    }
}
