using System.Globalization;
using System.Text.RegularExpressions;

namespace Benchmarks;

/// <summary>What <c>wrk</c> measured.</summary>
internal readonly partial record struct LoadRun(double PerSecond, double P99Milliseconds)
{
    private const int Connections = 32, Seconds = 5;

    /// <param name="script">Lua that makes the requests; null for the URL itself.</param>
    public static LoadRun Measure(string url, string? script = null)
    {
        string[] options = script is null ? [] : ["-s", script];
        var text = ChildProcess.Ask(["wrk", "-t1", $"-c{Connections}", $"-d{Seconds}", "--latency", .. options, url]);
        if (Failures().IsMatch(text))
            throw new InvalidOperationException($"{url} does not answer as it should:\n{text}");
        var p99 = Percentile().Match(text);
        return new LoadRun(Number(Rate().Match(text).Groups[1].Value), Number(p99.Groups[1].Value) * Unit(p99.Groups[2].Value));
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static double Unit(string name) => name switch { "us" => 0.001, "ms" => 1, "s" => 1000, _ => throw new FormatException($"'{name}' is no unit of wrk's") };

    [GeneratedRegex(@"Requests/sec:\s+([\d.]+)")]
    private static partial Regex Rate();

    [GeneratedRegex(@"99%\s+([\d.]+)(us|ms|s)")]
    private static partial Regex Percentile();

    [GeneratedRegex("Non-2xx|Socket errors: connect [1-9]")]
    private static partial Regex Failures();
}
