using Archive.Api.Kernels;

namespace Archive.Api.Pages.Shared;

/// <summary>Numbers over time.</summary>
/// <param name="Points">In order of time.</param>
public sealed record Series(IReadOnlyList<(DateTimeOffset Time, double Value)> Points)
{
    /// <summary>More than a chart has pixels for says nothing more.</summary>
    private const int MaxPoints = 120;

    /// <summary>How many kernels were published at a time.</summary>
    public static Series Growth(Roster roster) => Running(roster.Recent, build => build.PublishedAt!.Value, _ => 1);

    /// <summary>The running sum over things, latest first.</summary>
    public static Series Running<T>(IReadOnlyList<T> latestFirst, Func<T, DateTimeOffset> time, Func<T, double> amount)
    {
        var sum = latestFirst.Sum(amount);
        var step = Math.Max(1, latestFirst.Count / MaxPoints);
        var points = new List<(DateTimeOffset, double)>();
        for (var i = 0; i < latestFirst.Count; sum -= amount(latestFirst[i]), i++)
        {
            if (i % step == 0 || i == latestFirst.Count - 1)
                points.Add((time(latestFirst[i]), sum));
        }
        points.Reverse();
        return new Series(points);
    }
}
