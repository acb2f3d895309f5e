using Archive.Crawler.Runs;
using Archive.Extractor;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;
using Spectre.Console;

namespace Archive.Crawler.Commands;

/// <summary>Shows a crawl: a line an event, and on a terminal a bar for the kernel that is being fetched.</summary>
internal sealed class CrawlProgress : IProgress<CrawlEvent>, IAsyncDisposable
{
    private readonly bool _isTerminal;
    private readonly Lock _lock = new();
    private ProgressTask? _bar;
    private TaskCompletionSource? _barDone;
    private Task _barShown = Task.CompletedTask;

    private CrawlProgress(bool isTerminal) => _isTerminal = isTerminal;

    public static CrawlProgress ForConsole() => new(!Console.IsOutputRedirected && AnsiConsole.Profile.Capabilities.Interactive);

    public void Report(CrawlEvent value)
    {
        lock (_lock)
        {
            switch (value)
            {
                case SuiteRead e:
                    Line($"{e.Suite} {e.Arch}: {e.Found} kernels");
                    break;
                case SuiteSkipped e:
                    Line($"{e.Suite}: skipped: {e.Reason}");
                    break;
                case SuiteFailed e:
                    Line($"{e.Suite}: failed: {e.Reason}");
                    break;
                case Planned e:
                    Line($"{e.Selected.Count} selected, {e.Todo.Count} to fetch ({Size(e.Todo.Sum(b => b.PackageSize))})");
                    break;
                case KernelStarted e:
                    Line($"{e.Build.Key}: fetching {e.Build.PackageName} {e.Build.PackageVersion} ({Size(e.Build.PackageSize)})");
                    ShowBar(e.Build);
                    break;
                case KernelProgress e:
                    Advance(e);
                    break;
                case MirrorPassedOver e:
                    Line($"{e.Build.Key}: {e.Reason}; asking the next mirror");
                    break;
                case KernelPassedOver e:
                    Line($"{e.Build.Key}: {e.Reason}");
                    break;
                case KernelFinished e:
                    HideBar();
                    Line($"{e.Build.Key}: {e.Outcome.Text()}{(e.Reason is null ? "" : $": {e.Reason}")} ({e.Elapsed.TotalSeconds:0.0} s)");
                    break;
            }
        }
    }

    public void PrintPlan(IReadOnlyList<KernelBuild> builds)
    {
        foreach (var build in builds)
            Line($"would fetch {build.Key}: {build.PackageName} {build.PackageVersion}, {Size(build.PackageSize)}, {build.PackageUrl}");
    }

    public void PrintResult(CrawlRunResult result) =>
        Line($"{result.Found} found, {result.New} new, {result.Published} published, {result.Failed} failed, {Size(result.DownloadedBytes)} downloaded");

    public async ValueTask DisposeAsync()
    {
        HideBar();
        await _barShown;
    }

    private static void Line(string text) => Console.WriteLine(text);

    private static string Size(long bytes) => bytes < 10 << 20 ? $"{bytes >> 10} KiB" : $"{bytes >> 20} MiB";

    private void ShowBar(KernelBuild build)
    {
        if (!_isTerminal)
            return;
        HideBar();
        _barShown.Wait();
        var done = _barDone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _barShown = AnsiConsole.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new TransferSpeedColumn())
            .StartAsync(async context =>
            {
                _bar = context.AddTask(Markup.Escape(build.Key.Uname), maxValue: build.PackageSize);
                ready.SetResult();
                await done.Task;
            });
        ready.Task.Wait();
    }

    private void Advance(KernelProgress progress)
    {
        if (_bar is null)
            return;
        _bar.Value = progress.DownloadedBytes;
        _bar.Description = progress.Stage == ExtractionStage.Converting ? "converting" : Markup.Escape(progress.Build.Key.Uname);
    }

    private void HideBar()
    {
        _bar = null;
        _barDone?.TrySetResult();
        _barDone = null;
    }
}
