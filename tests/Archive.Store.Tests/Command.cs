using System.Diagnostics;

namespace Archive.Store.Tests;

/// <summary>Runs a tool of the machine and gives what it printed; a failing tool fails the test with what it said.</summary>
internal static class Command
{
    public static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: status {process.ExitCode}, {errors.Result}");
        return output.Trim();
    }
}
