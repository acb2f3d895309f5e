using System.Diagnostics;

namespace TestKit;

/// <summary>Runs a program of the machine: bounded in time, with what it printed.</summary>
public static class Tool
{
    private static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(5);

    /// <param name="Status">Exit status.</param>
    public sealed record Result(int Status, string Output, string Errors);

    /// <summary>Standard output of a program that succeeds.</summary>
    /// <exception cref="InvalidOperationException">It failed; the message has what it printed.</exception>
    public static string Run(string program, params string[] arguments)
    {
        var result = Try(program, arguments);
        return result.Status == 0 ? result.Output : throw new InvalidOperationException(
            $"{program} {string.Join(' ', arguments)}: status {result.Status}\n{result.Errors}\n{result.Output}");
    }

    /// <summary>As <see cref="Run"/>, by the shell.</summary>
    public static string Shell(string script) => Run("bash", "-euo", "pipefail", "-c", script);

    /// <summary>Runs a program to its end, whatever its status.</summary>
    public static Result Try(string program, IEnumerable<string> arguments, TimeSpan? limit = null)
    {
        using var process = Start(program, arguments);
        process.StandardInput.Close();
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(limit ?? DefaultLimit))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} did not end in time");
        }
        process.WaitForExit();
        return new Result(process.ExitCode, output.Result, errors.Result);
    }

    /// <summary>Starts a program with all its streams redirected.</summary>
    /// <param name="environment">Set beside what this process has.</param>
    public static Process Start(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["LC_ALL"] = "C";
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        return Process.Start(start)!;
    }
}
