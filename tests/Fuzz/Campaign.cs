using System.Diagnostics;
using System.Globalization;

namespace Fuzz;

/// <summary>What a campaign is to do.</summary>
/// <param name="Runs">Executions per target and worker, at most.</param>
/// <param name="Time">Per target.</param>
/// <param name="KeepBytes">Size up to which the kept corpus of a target may grow; 0 keeps nothing.</param>
/// <param name="Found">Folder of all inputs found, by target; null for none.</param>
internal sealed record CampaignOptions(IReadOnlyList<FuzzTarget> Targets, long Runs, TimeSpan Time, int Seed, int Workers, long KeepBytes, string? Found);

/// <summary>Fuzzes one target after the other, each on all workers, and adds up what was done.</summary>
internal sealed class Campaign(CampaignOptions options, TextWriter output)
{
    /// <summary>An execution that takes so long never ends.</summary>
    private static readonly TimeSpan HangLimit = TimeSpan.FromSeconds(60);

    private readonly Crashers _crashers = new(output.WriteLine);
    private readonly List<string> _rows = [];
    private long _executions;

    /// <returns>True where nothing failed.</returns>
    public bool Run()
    {
        foreach (var target in options.Targets)
            Run(target);
        output.WriteLine($"\n| target | executions | per second | accepted | corpus | blocks | outcomes |\n|---|---|---|---|---|---|---|\n{string.Join('\n', _rows)}");
        output.WriteLine($"\n{_executions:n0} executions, {_crashers.Count} ways to fail");
        return _crashers.Count == 0;
    }

    private void Run(FuzzTarget target)
    {
        foreach (var input in InFlight.TakeLeft(target.Name))
            _crashers.TakeFatal(target, input, "died");
        var found = options.Found is null ? null : Path.Combine(options.Found, target.Name);
        List<byte[]> seeds = [.. Corpus.Kept(target.Name), .. found is null ? [] : FuzzFolders.FilesOf(found).Select(File.ReadAllBytes)];
        var workers = Enumerable.Range(0, options.Workers).Select(i => new Worker(target, i, options.Seed, _crashers, seeds)).ToList();
        var clock = Stopwatch.StartNew();
        using (new Timer(_ => Watch(target, workers, clock), null, TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(10)))
        {
            var threads = workers.ConvertAll(worker => new Thread(() => worker.Run(options.Runs, options.Time)));
            threads.ForEach(thread => thread.Start());
            threads.ForEach(thread => thread.Join());
        }
        _rows.Add(Row(target, workers, clock.Elapsed));
        _executions += workers.Sum(worker => worker.Executions);
        if (found is not null)
            Corpus.Save(workers.SelectMany(worker => worker.Corpus.Entries), found);
        if (options.KeepBytes > 0)
            output.WriteLine($"{target.Name}: {Corpus.Keep(target, workers.SelectMany(worker => worker.Corpus.Entries), options.KeepBytes)} new entries kept");
    }

    private void Watch(FuzzTarget target, List<Worker> workers, Stopwatch clock)
    {
        output.WriteLine(Row(target, workers, clock.Elapsed));
        if (workers.Find(worker => worker.Busy > HangLimit) is not { } hung)
            return;
        // The thread cannot be stopped; the process can.
        _crashers.TakeFatal(target, hung.Current, "hang");
        Environment.Exit(FuzzCommand.Failed);
    }

    private static string Row(FuzzTarget target, List<Worker> workers, TimeSpan elapsed)
    {
        var executions = workers.Sum(worker => worker.Executions);
        return string.Create(CultureInfo.InvariantCulture,
            $"| {target.Name} | {executions:n0} | {executions / elapsed.TotalSeconds:n0} | {100.0 * workers.Sum(worker => worker.Accepted) / Math.Max(1, executions):f1} % | {workers.Sum(worker => worker.Corpus.Count):n0} | {workers.Max(worker => worker.Blocks):n0} | {workers.Max(worker => worker.Signatures):n0} |");
    }
}
