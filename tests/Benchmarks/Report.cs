using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Benchmarks;

/// <summary>
/// Medians of each contestant, and ratios of the first one to each other. A ratio is the median over the rounds of the ratio
/// within a round: what slows a whole round down falls out of it.
/// </summary>
internal sealed class Report(string title, IReadOnlyList<Runs> runs)
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>A figure of a run, with its column's head and how it is written.</summary>
    private sealed record Figure(string Head, Func<ProcessCost, double> Of, string Format, bool OfPipelinesToo);

    private static readonly Figure Wall = new("wall s", static cost => cost.WallSeconds, "f3", OfPipelinesToo: true);
    private static readonly Figure Cpu = new("CPU s", static cost => cost.CpuSeconds, "f2", OfPipelinesToo: false);
    private static readonly Figure Peak = new("peak MiB", static cost => cost.PeakBytes / 1048576.0, "f0", OfPipelinesToo: false);
    private static readonly Figure[] Figures = [Wall, Cpu, Peak];

    public string ToMarkdown()
    {
        var text = new StringBuilder($"{title}; {runs[0].Costs.Count} rounds, medians\n\n");
        text.Append($"| | {string.Join(" | ", Figures.Select(figure => figure.Head))} | same bytes each time |\n|---|---|---|---|---|\n");
        foreach (var side in runs)
        {
            var same = side.Repeatable switch { null => "–", true => "yes", false => "no" };
            text.Append($"| {side.Contestant.Name} | {Cells(figure => Text(MedianOf(side, figure), figure.Format))} | {same} |\n");
        }
        foreach (var peer in runs.Skip(1))
            text.Append($"| {runs[0].Contestant.Name} ÷ {peer.Contestant.Name} | {Cells(figure => Text(RatioTo(peer, figure), "f3"))} | |\n");
        return text.ToString();
    }

    public string ToJson() => JsonSerializer.Serialize(
        new
        {
            Title = title,
            Processors = Environment.ProcessorCount,
            Contestants = runs.Select(static side => new
            {
                side.Contestant.Name,
                side.Contestant.Command,
                side.Repeatable,
                WallSeconds = MedianOf(side, Wall),
                CpuSeconds = MedianOf(side, Cpu),
                PeakMebibytes = MedianOf(side, Peak),
                Runs = side.Costs,
            }),
            Ratios = runs.Skip(1).Select(peer => new
            {
                To = peer.Contestant.Name,
                Wall = RatioTo(peer, Wall),
                Cpu = RatioTo(peer, Cpu),
                Peak = RatioTo(peer, Peak),
            }),
        },
        Indented);

    private static double? MedianOf(Runs side, Figure figure) =>
        side.Contestant.IsPipeline && !figure.OfPipelinesToo ? null : Median(side.Costs.Select(figure.Of));

    private double? RatioTo(Runs peer, Figure figure) =>
        peer.Contestant.IsPipeline && !figure.OfPipelinesToo
            ? null
            : Median(runs[0].Costs.Zip(peer.Costs, (ours, theirs) => figure.Of(ours) / figure.Of(theirs)));

    internal static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return (sorted[(sorted.Count - 1) / 2] + sorted[sorted.Count / 2]) / 2;
    }

    private static string Cells(Func<Figure, string> cell) => string.Join(" | ", Figures.Select(cell));

    private static string Text(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "–";
}
