using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Archive.Store.Catalogue;
using TestKit;

namespace Benchmarks;

/// <summary>
/// <c>workers</c>: extraction by one worker of one core, and by two, which have nothing in common but PostgreSQL, the blobs and the web server that packages come from. The
/// queue is filled beforehand; the clock runs from the workers' start to the last publication.
/// </summary>
internal static class WorkersCommand
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(30);

    private static readonly Argument<FileInfo[]> Packages = new Argument<FileInfo[]>("DEB") { Description = "Debian debug packages of amd64, alike in size." }.AcceptExistingOnly();

    private static readonly Option<int> Copies = new("--copies") { Description = "Builds made of each package, which differ in their version.", DefaultValueFactory = _ => 4 };

    private static readonly Option<FileInfo?> Program = new("--program") { Description = "The published Archive.Api; published anew from this checkout if not given." };

    public static Command Create()
    {
        var command = new Command("workers", "Extraction by one and by two workers of one core each, over one PostgreSQL.") { Packages, Copies, Program };
        command.SetAction(parsed => BenchmarkCommand.InScratch(scratch => RunAsync(parsed, scratch).GetAwaiter().GetResult()));
        return command;
    }

    private static async Task RunAsync(ParseResult parsed, string scratch)
    {
        var program = parsed.GetValue(Program)?.FullName ?? PublishedProgram.Publish("Archive.Api", scratch);
        using var repository = new AptRepository();
        var packages = parsed.GetRequiredValue(Packages);
        for (var copy = 1; copy <= parsed.GetValue(Copies); copy++)
        {
            foreach (var package in packages)
                repository.AddAs(package.FullName, string.Create(CultureInfo.InvariantCulture, $"6.99.{copy}-1"));
        }
        repository.Publish();
        await using var mirror = await MirrorServer.StartAsync(repository.Root);
        using var server = new PostgresServer();
        var (builds, rates) = (packages.Length * parsed.GetValue(Copies), new List<double>());
        foreach (var workers in (int[])[1, 2])
        {
            using var archive = new Cluster(program, server.NewDatabase(), Path.Combine(scratch, $"blobs-{workers}"), repository.Keyring, mirror.Url, Path.Combine(scratch, $"data-{workers}"));
            var (seconds, cpu) = await archive.ExtractAsync(workers, builds);
            rates.Add(builds / seconds);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{workers} workers: {builds} builds in {seconds:f1} s, {cpu:f1} s of their CPU; {60 * builds / seconds:f2} a minute"));
        }
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio {rates[1] / rates[0]:f2}"));
    }

    /// <summary>One archive and the processes that work for it.</summary>
    private sealed class Cluster(string program, string database, string blobs, string keyring, Uri mirror, string data) : IDisposable
    {
        private readonly PostgresCatalogue _catalogue = new(database, TimeProvider.System);

        public void Dispose() => _catalogue.Dispose();

        public async Task<(double Seconds, double CpuSeconds)> ExtractAsync(int workers, int builds)
        {
            using (var crawler = Start("crawler", [], "--Roles:Extractor=false"))
            {
                await WaitAsync(async () => await CountAsync("SELECT COUNT(*) FROM qrtz_triggers WHERE job_group = 'extract'") >= builds, "the queue is not filled");
                crawler.Kill();
                await crawler.WaitForExitAsync();
            }
            var clock = Stopwatch.GetTimestamp();
            var processes = Enumerable.Range(0, workers).Select(i => Start($"worker-{i}", ["taskset", "-c", i.ToString(CultureInfo.InvariantCulture)], "--Roles:Crawler=false")).ToList();
            await WaitAsync(async () => (await _catalogue.ChainHeadAsync(default)).Position >= builds, "not all is published");
            var seconds = Stopwatch.GetElapsedTime(clock).TotalSeconds;
            var cpu = processes.Sum(p => p.TotalProcessorTime.TotalSeconds);
            foreach (var process in processes)
            {
                process.Kill();
                await process.WaitForExitAsync();
                process.Dispose();
            }
            return (seconds, cpu);
        }

        /// <param name="before">A program that starts it, with arguments.</param>
        private Process Start(string name, string[] before, string role)
        {
            var folder = Directory.CreateDirectory(Path.Combine(data, name)).FullName;
            if (!Directory.Exists(Path.Combine(folder, "tree")))
                Directory.CreateSymbolicLink(Path.Combine(folder, "tree"), Directory.CreateDirectory(blobs).FullName); // As by a shared file system.
            string[] command = [.. before, program, .. Settings(folder), role];
            var process = Tool.Start(command[0], command[1..]);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
            return process;
        }

        private string[] Settings(string folder) =>
        [
            $"--Urls=http://127.0.0.1:{Ports.Free()}", $"--DataDirectory={folder}", "--Roles:Api=false", "--Catalogue=postgres", $"--ConnectionStrings:Catalogue={database}",
            "--Crawler:CheckIn=00:00:02", "--Crawler:Concurrency=1", "--Crawler:ConcurrencyPerHost=8", "--Crawler:MinFreeBytes=0",
            "--Crawler:Sources:debian:Releases:0=bookworm", "--Crawler:Sources:debian:Arches:0=amd64", "--Crawler:Sources:debian:Flavours:0=all", "--Crawler:Sources:debian:Newest=100000",
            $"--Crawler:Sources:debian:Mirrors:0={mirror}", $"--Crawler:Sources:debian:SecurityMirrors:0={mirror}", $"--Crawler:Sources:debian:Keyring={keyring}",
        ];

        private async Task<long> CountAsync(string sql)
        {
            await using var connection = new Npgsql.NpgsqlConnection(database);
            await connection.OpenAsync();
            await using var command = new Npgsql.NpgsqlCommand(sql, connection);
            return (long)(await command.ExecuteScalarAsync())!;
        }

        private static async Task WaitAsync(Func<Task<bool>> holds, string problem)
        {
            for (var waited = Stopwatch.StartNew(); ; await Task.Delay(200))
            {
                try
                {
                    if (await holds())
                        return;
                }
                catch (Npgsql.PostgresException e) when (e.SqlState == Npgsql.PostgresErrorCodes.UndefinedTable)
                {
                    // The first process makes it.
                }
                if (waited.Elapsed > Limit)
                    throw new TimeoutException(problem);
            }
        }
    }
}
