using System.CommandLine;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Benchmarks;

/// <summary>
/// <c>stampede DATA UNAME</c>: archive and fleet in a network namespace of their own, where the fleet has one address that is not
/// loopback's, as behind a NAT, so that the archive's limit for a client counts for all of it. Wants root.
/// </summary>
internal static class StampedeCommand
{
    private const string Address = "10.77.0.1", Inside = "BTF_STAMPEDE";

    public static Command Create()
    {
        var data = new Argument<DirectoryInfo>("DATA") { Description = "Data directory of an archive." }.AcceptExistingOnly();
        var uname = new Argument<string>("UNAME") { Description = "The fleet's kernel." };
        var api = new Option<FileInfo>("--api") { Description = "Archive.Api.dll.", Required = true };
        var hosts = new Option<int>("--hosts") { DefaultValueFactory = _ => 10_000 };
        var rate = new Option<int>("--rate") { Description = "Requests a second that the archive takes.", DefaultValueFactory = _ => 200 };
        var command = new Command("stampede", "A fleet boots at once, by the boot client's own back-off.") { data, uname, api, hosts, rate };
        command.SetAction(parsed => Environment.GetEnvironmentVariable(Inside) is null
            ? Enter()
            : Run(parsed.GetRequiredValue(api).FullName, parsed.GetRequiredValue(data).FullName, parsed.GetRequiredValue(uname), parsed.GetValue(hosts), parsed.GetValue(rate)));
        return command;
    }

    /// <summary>This command once more, with an empty network.</summary>
    private static int Enter()
    {
        var script = $"ip link set lo up && ip addr add {Address}/32 dev lo && exec \"$@\"";
        var start = new ProcessStartInfo("unshare", ["-n", "sh", "-c", script, "sh", Environment.ProcessPath!, .. Environment.GetCommandLineArgs()[1..]]) { UseShellExecute = false };
        start.Environment[Inside] = "1";
        using var process = Process.Start(start)!;
        process.WaitForExit();
        return process.ExitCode;
    }

    private static int Run(string api, string data, string uname, int hosts, int rate)
    {
        var archive = new Uri($"http://{Address}:8080");
        using var process = Process.Start(new ProcessStartInfo("dotnet",
            [api, $"--Urls={archive}", $"--DataDirectory={data}", "--Roles:Crawler=false", $"--Limits:RequestsPerSecond={rate}", $"--Limits:Burst={rate}"])
        { UseShellExecute = false, RedirectStandardOutput = true })!;
        process.OutputDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        try
        {
            WaitFor(archive);
            var question = $"/v1/host?uname={Uri.EscapeDataString(uname)}";
            using var stampede = new Stampede(archive, question, Backoff.OfScript(File.ReadAllText(Script())), hosts);
            Console.WriteLine(stampede.RunAsync().GetAwaiter().GetResult());
            return 0;
        }
        finally
        {
            process.Kill();
            process.WaitForExit();
        }
    }

    private static void WaitFor(Uri archive)
    {
        using var client = new HttpClient();
        for (var attempt = 0; attempt < 200; attempt++, Thread.Sleep(200))
        {
            try
            {
                _ = client.GetAsync(new Uri(archive, "/health/live")).GetAwaiter().GetResult();
                return;
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
        }
        throw new InvalidOperationException("the archive does not start");
    }

    private static string Script([CallerFilePath] string here = "") =>
        Path.GetFullPath(Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "infra", "host", "btf-fetch"));
}
