using Spectre.Console;

namespace Archive.Extractor.Commands;

/// <summary>Shows an extraction's progress: bars on a terminal, a line for each stage elsewhere.</summary>
internal static class ExtractionDisplay
{
    public static T Show<T>(TextWriter output, Func<IProgress<ExtractionProgress>, T> work)
    {
        var isTerminal = ReferenceEquals(output, Console.Error) && !Console.IsErrorRedirected;
        return isTerminal ? ShowBars(output, work) : work(new Lines(output));
    }

    private static T ShowBars<T>(TextWriter output, Func<IProgress<ExtractionProgress>, T> work) =>
        AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) })
            .Progress()
            .Columns(new TaskDescriptionColumn(), new ProgressBarColumn(), new DownloadedColumn(), new TransferSpeedColumn(), new SpinnerColumn())
            .Start(context => work(new Bars(context)));

    private sealed class Lines(TextWriter output) : IProgress<ExtractionProgress>
    {
        private ExtractionStage? _last;

        public void Report(ExtractionProgress value)
        {
            if (value.Stage == _last)
                return;
            _last = value.Stage;
            output.WriteLine(value.Stage switch
            {
                ExtractionStage.Searching => "searching the kernel image",
                ExtractionStage.Unpacking => $"unpacking the kernel image, {value.ImageSize >> 20} MiB",
                _ => $"converting {value.ImageSize >> 20} MiB",
            });
        }
    }

    private sealed class Bars(ProgressContext context) : IProgress<ExtractionProgress>
    {
        private readonly Dictionary<ExtractionStage, ProgressTask> _tasks = [];

        public void Report(ExtractionProgress value)
        {
            if (!_tasks.TryGetValue(value.Stage, out var task))
                _tasks[value.Stage] = task = Begin(value.Stage);
            task.MaxValue = Math.Max(1, value.ImageSize);
            task.Value = value.Stage == ExtractionStage.Converting ? 0 : value.ImageBytes;
        }

        private ProgressTask Begin(ExtractionStage stage)
        {
            foreach (var earlier in _tasks.Values)
                earlier.StopTask();
            var task = context.AddTask(stage.ToString());
            task.IsIndeterminate = stage != ExtractionStage.Unpacking;
            return task;
        }
    }
}
