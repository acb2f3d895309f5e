using System.CommandLine;

namespace Fuzz;

/// <summary>
/// <c>Fuzz [--target NAME]… [--seconds N] [--runs N] [--seed N] [--workers N] [--keep KIB] [--found DIR] [--blind]</c>. Exit status: 0 nothing
/// failed, 1 something did (its input is under crashers/).
/// </summary>
public static class FuzzCommand
{
    public const int Failed = 1;

    private static readonly Option<string[]> Target = new("--target") { Description = "What to fuzz; everything if not given." };

    private static readonly Option<double> Seconds = new("--seconds") { Description = "Time for each target.", DefaultValueFactory = _ => 60 };

    private static readonly Option<long> Runs = new("--runs")
    { Description = "Executions of each target, at most, by each worker.", DefaultValueFactory = _ => long.MaxValue };

    private static readonly Option<int> Seed = new("--seed") { Description = "Another seed tries other inputs.", DefaultValueFactory = _ => 1 };

    private static readonly Option<int> Workers = new("--workers")
    { Description = "Threads, each with a corpus of its own.", DefaultValueFactory = _ => Environment.ProcessorCount };

    private static readonly Option<int> Keep = new("--keep")
    { Description = "Adds to the kept corpus what reaches something new, up to so many KiB for a target." };

    private static readonly Option<bool> Blind = new("--blind") { Description = "Without instrumentation: only outcomes guide the search." };

    private static readonly Option<DirectoryInfo?> Found = new("--found")
    { Description = "Folder that takes every input found, a folder for each target; the next campaign starts from them too." };

    private static readonly Option<FileInfo?> Replay = new("--replay") { Description = "Executes one file on the target, and shows what comes of it." };

    /// <summary>Runs a campaign.</summary>
    public static int Run(string[] arguments)
    {
        Target.AcceptOnlyFromAmong([.. FuzzTarget.All.Select(target => target.Name)]);
        var command = new RootCommand("Fuzzes the readers of untrusted input.") { Target, Seconds, Runs, Seed, Workers, Keep, Found, Blind, Replay };
        command.SetAction(parsed => parsed.GetValue(Replay) is { } file ? Show(Targets(parsed), file) : Fuzz(parsed));
        return command.Parse(arguments).Invoke();
    }

    private static int Fuzz(ParseResult parsed)
    {
        var options = new CampaignOptions(
            Targets(parsed), parsed.GetValue(Runs), TimeSpan.FromSeconds(parsed.GetValue(Seconds)), parsed.GetValue(Seed), parsed.GetValue(Workers), parsed.GetValue(Keep) * 1024L, parsed.GetValue(Found)?.FullName);
        return new Campaign(options, TextWriter.Synchronized(Console.Out)).Run() ? 0 : Failed;
    }

    private static int Show(IReadOnlyList<FuzzTarget> targets, FileInfo file)
    {
        var execution = Execution.Run(targets[0], File.ReadAllBytes(file.FullName));
        Console.WriteLine($"{execution.Verdict}: {execution.Signature}\n{execution.Problem}");
        return execution.Verdict == Verdict.Failed ? Failed : 0;
    }

    private static IReadOnlyList<FuzzTarget> Targets(ParseResult parsed)
    {
        var names = parsed.GetValue(Target) ?? [];
        return names.Length == 0 ? FuzzTarget.All : [.. FuzzTarget.All.Where(target => names.Contains(target.Name))];
    }
}
