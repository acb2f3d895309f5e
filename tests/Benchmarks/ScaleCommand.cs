using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using TestKit;

namespace Benchmarks;

/// <summary>
/// <c>scale</c>: how answers grow with the catalogue. A small and a large one stand side by side on each database, and every question goes to both in turn, so that what else
/// the machine does hits both alike; medians are compared.
/// </summary>
internal static class ScaleCommand
{
    private static readonly Option<FileInfo?> Program = new("--program") { Description = "The published Archive.Api; published anew from this checkout if not given." };

    private static readonly Option<int> Small = new("--small") { Description = "Builds of the small catalogue.", DefaultValueFactory = _ => 10_000 };

    private static readonly Option<int> Large = new("--large") { Description = "Builds of the large catalogue.", DefaultValueFactory = _ => 1_000_000 };

    private static readonly Option<int> Questions = new("--questions") { Description = "Times that each question is put to each catalogue.", DefaultValueFactory = _ => 100 };

    private static readonly Option<string?> Only = new("--only") { Description = "One database: sqlite or postgres." };

    public static Command Create()
    {
        var command = new Command("scale", "Look-ups, pages, coverage and changes over a small and a large catalogue, on SQLite and PostgreSQL.") { Small, Large, Questions, Only, Program };
        command.SetAction(parsed => BenchmarkCommand.InScratch(scratch => RunAsync(parsed, scratch).GetAwaiter().GetResult()));
        return command;
    }

    private static async Task RunAsync(ParseResult parsed, string scratch)
    {
        var program = parsed.GetValue(Program)?.FullName ?? PublishedProgram.Publish("Archive.Api", scratch);
        var sizes = (Small: parsed.GetValue(Small), Large: parsed.GetValue(Large), Questions: parsed.GetValue(Questions));
        if (parsed.GetValue(Only) is null or "sqlite")
        {
            using var small = await GrownCatalogue.OnSqliteAsync(sizes.Small, program, scratch);
            using var large = await GrownCatalogue.OnSqliteAsync(sizes.Large, program, scratch);
            await CompareAsync(small, large, sizes.Questions);
        }
        if (parsed.GetValue(Only) is null or "postgres")
        {
            using var server = new PostgresServer();
            using var small = await GrownCatalogue.OnPostgresAsync(sizes.Small, server.NewDatabase(), program, scratch);
            using var large = await GrownCatalogue.OnPostgresAsync(sizes.Large, server.NewDatabase(), program, scratch);
            await CompareAsync(small, large, sizes.Questions);
        }
    }

    private static async Task CompareAsync(GrownCatalogue small, GrownCatalogue large, int questions)
    {
        foreach (var archive in (GrownCatalogue[])[small, large])
            await archive.GetAsync("/coverage/gaps"); // Waits until its roster is read.
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"\n| {small.Name} | ms at {small.Builds} | ms at {large.Builds} | ratio |\n|---|--:|--:|--:|"));
        foreach (var (name, ask) in All())
        {
            var (times, timesToo) = (new List<double>(), new List<double>());
            var random = new Random(1);
            for (var i = 0; i < questions; i++)
            {
                times.Add(await TimeAsync(() => ask(small, random.Next(small.Builds))));
                timesToo.Add(await TimeAsync(() => ask(large, random.Next(large.Builds))));
            }
            var (fast, slow) = (Report.Median(times), Report.Median(timesToo));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} | {fast:f2} | {slow:f2} | {slow / fast:f2} |"));
        }
        Console.WriteLine($"\n{small.ResidentMebibytes} and {large.ResidentMebibytes} MiB of the processes that serve them");
    }

    /// <summary>What is asked of an archive, about a build given by its number.</summary>
    private static (string Name, Func<GrownCatalogue, int, Task> Ask)[] All() =>
    [
        ("look-up by uname", (a, i) => a.GetAsync($"/v1/lookup?uname={GrownCatalogue.Uname(i)}")),
        ("look-up that misses", (a, i) => a.GetAsync($"/v1/lookup?uname={GrownCatalogue.Uname(i)}x")),
        ("page of /v1/kernels", (a, i) => a.GetAsync($"/v1/kernels?after={i}")),
        ("… of a distro", (a, i) => a.GetAsync($"/v1/kernels?distro=ubuntu&after={i}")),
        ("… of a place", (a, i) => a.GetAsync($"/v1/kernels?distro=ubuntu&version={i % 8}&arch=arm64&after={i / 2}")),
        ("… of an outcome", (a, i) => a.GetAsync($"/v1/kernels?outcome=malformed&after={i / 2}")),
        ("… of a rare outcome", (a, i) => a.GetAsync("/v1/kernels?outcome=conflict&limit=10")),
        ("… of unames that begin alike", (a, i) => a.GetAsync($"/v1/kernels?uname={4 + i % 3}.{i % 20}.*&limit=10")),
        ("… of unames that end alike", (a, i) => a.GetAsync($"/v1/kernels?uname=*{i % 10}-generic&limit=10")),
        ("gaps", (a, i) => a.GetAsync($"/v1/coverage/gaps?after={i / 2}")),
        ("coverage, by HTTP", (a, _) => a.GetAsync("/v1/coverage")),
        ("coverage, of the catalogue", (a, _) => a.Catalogue.CoverageAsync(default)),
        ("badge", (a, _) => a.GetAsync("/v1/badge.svg")),
        ("changes", (a, i) => a.GetAsync($"/v1/changes?since={i}")),
        ("metrics", (a, _) => a.GetAsync("/metrics")),
    ];

    private static async Task<double> TimeAsync(Func<Task> ask)
    {
        var clock = Stopwatch.GetTimestamp();
        await ask();
        return Stopwatch.GetElapsedTime(clock).TotalMilliseconds;
    }
}
