using System.Security.Cryptography;

namespace Benchmarks;

/// <summary>One side of a comparison.</summary>
/// <param name="Command">Program and arguments.</param>
/// <param name="Output">The file that it writes; null where it writes none. A run must make the same bytes each time, or is marked.</param>
/// <param name="IsPipeline">A chain of processes: wall time is all that compares.</param>
internal sealed record Contestant(string Name, IReadOnlyList<string> Command, string? Output, bool IsPipeline = false);

/// <summary>A contestant's measured runs, in order.</summary>
/// <param name="Repeatable">Every run wrote the same bytes; null where it writes none.</param>
internal sealed record Runs(Contestant Contestant, IReadOnlyList<ProcessCost> Costs, bool? Repeatable);

/// <summary>
/// Runs the contestants in turn, A B A B …, so that what else the machine does meets them alike. The first round only warms
/// the page cache and is not counted.
/// </summary>
internal static class Contest
{
    public static IReadOnlyList<Runs> Hold(IReadOnlyList<Contestant> contestants, int rounds, Action<string> say)
    {
        var costs = contestants.Select(_ => new List<ProcessCost>()).ToList();
        var digests = contestants.Select(_ => new HashSet<string>(StringComparer.Ordinal)).ToList();
        for (var round = 0; round <= rounds; round++)
        {
            for (var i = 0; i < contestants.Count; i++)
            {
                var cost = ChildProcess.Run(contestants[i].Command);
                say($"{(round == 0 ? "warm-up" : $"round {round}")}: {contestants[i].Name} {cost.WallSeconds:f3} s");
                if (contestants[i].Output is { } output)
                    digests[i].Add(DigestOf(output));
                if (round > 0)
                    costs[i].Add(cost);
            }
        }
        return [.. contestants.Select((contestant, i) => new Runs(contestant, costs[i], contestant.Output is null ? null : digests[i].Count == 1))];
    }

    private static string DigestOf(string path)
    {
        using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(file));
    }
}
