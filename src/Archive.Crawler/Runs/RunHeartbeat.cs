using Archive.Store.Catalogue;
using Microsoft.Extensions.Logging;

namespace Archive.Crawler.Runs;

/// <summary>
/// Tells the catalogue how far a run is, and every few seconds that it is alive: whoever looks there knows a run that works on one
/// large kernel from one whose process was killed.
/// </summary>
internal sealed class RunHeartbeat : IProgress<CrawlEvent>, IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private readonly ICatalogue _catalogue;
    private readonly long _run;
    private readonly ILogger _log;
    private readonly IProgress<CrawlEvent>? _inner;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _beating;
    private volatile CrawlRunResult _soFar = new(0, 0, 0, 0, 0, null);
    private volatile string? _doing;

    public RunHeartbeat(ICatalogue catalogue, long run, TimeProvider clock, ILogger log, IProgress<CrawlEvent>? inner)
    {
        (_catalogue, _run, _log, _inner) = (catalogue, run, log, inner);
        _beating = BeatAsync(clock);
    }

    public CrawlRunResult SoFar { get => _soFar; set => _soFar = value; }

    public void Report(CrawlEvent value)
    {
        _doing = value switch
        {
            SuiteRead e => $"{e.Suite} {e.Arch}",
            KernelStarted e => e.Build.Key.ToString(),
            KernelFinished => null,
            _ => _doing,
        };
        _inner?.Report(value);
    }

    public Task NoteAsync(CancellationToken cancellation) => _catalogue.NoteProgressAsync(_run, SoFar, _doing, cancellation);

    /// <summary>Nothing is noted any more when this has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _beating;
        _end.Dispose();
    }

    private async Task BeatAsync(TimeProvider clock)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(_end.Token))
                await TryNoteAsync();
        }
        catch (OperationCanceledException) when (_end.IsCancellationRequested)
        {
            // The run is over.
        }
    }

    /// <summary>A catalogue that is away must not end a run that does not need it for now.</summary>
    private async Task TryNoteAsync()
    {
        try
        {
            await NoteAsync(_end.Token);
        }
        catch (System.Data.Common.DbException e)
        {
            _log.LogWarning("The progress of crawl run {Run} could not be recorded: {Reason}", _run, e.Message);
        }
    }
}
