using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Data.Sqlite;

namespace Benchmarks;

/// <summary><c>pages DATA</c>: how long pages take, and how large they are, with a hundred thousand kernels in the catalogue: copies of an archive's rows, over its real blobs.</summary>
internal static class PageCommands
{
    private static readonly Option<string?> Program = new("--program") { Description = "The published Archive.Api; published anew from this checkout if not given." };

    private static readonly Option<int> Kernels = new("--kernels") { Description = "Rows of the catalogue.", DefaultValueFactory = _ => 100_000 };

    public static Command Pages()
    {
        var data = new Argument<DirectoryInfo>("DATA") { Description = "Data directory of an archive; it is copied." }.AcceptExistingOnly();
        var command = new Command("pages", "Time and size of every page over a large catalogue.") { data, Kernels, BenchmarkCommand.Rounds, Program };
        command.SetAction(parsed => BenchmarkCommand.InScratch(scratch =>
        {
            var folder = Path.Combine(scratch, "data");
            var (published, kernel) = Copy(parsed.GetRequiredValue(data).FullName, folder, parsed.GetValue(Kernels));
            using var api = ServedArchive.Start(parsed.GetValue(Program) ?? PublishedProgram.Publish("Archive.Api", scratch), folder);
            api.Get("/coverage/gaps"); // Waits until the roster is read.
            Console.Write($"{published} rows\n\n| page | median ms | slowest ms | kB |\n|---|--:|--:|--:|\n");
            foreach (var path in PathsOf(kernel))
                Console.Write(Measure(api, path, parsed.GetValue(BenchmarkCommand.Rounds)));
            Console.Write($"\n{api.PeakMebibytes} MiB at most\n");
        }));
        return command;
    }

    private static string[] PathsOf(string kernel) =>
    [
        "/", $"/?q={kernel.Split('/')[^1].Replace("+", "%2B", StringComparison.Ordinal)}", "/?q=6.9.0-1-nothing", "/?q=task_struct", "/suggest?q=6.1", "/coverage", "/coverage?distro=debian", "/coverage.csv",
        $"/coverage/{kernel[..kernel.LastIndexOf('/')]}", "/coverage/distro-3/2/x86_64", "/coverage/distro-3/2/x86_64?page=3", "/coverage/gaps", "/recent", "/charts", "/feed.atom", $"/kernels/{kernel}", "/types?q=task",
        $"/kernels/{kernel}/types?q=sk_", $"/kernels/{kernel}/types/task_struct", $"/kernels/{kernel}/types/task_struct?view=c", $"/kernels/{kernel}/types/task_struct?view=users",
        $"/kernels/{kernel}/types/list_head?view=users", $"/kernels/{kernel}/types/task_struct?view=history", $"/kernels/{kernel}/types/task_struct?view=compare", $"/kernels/{kernel}/functions/vfs_read",
        $"/kernels/{kernel}/changes", $"/kernels/{kernel}/config", $"/kernels/{kernel}/modules", "/coverage/listed", "/compat", "/sources", "/sources/debian", "/sign-in",
    ];

    private static string Measure(ServedArchive api, string path, int rounds)
    {
        var (times, size) = (new List<double>(), api.Get(path).Length);
        for (var i = 0; i < rounds; i++)
        {
            var clock = Stopwatch.StartNew();
            api.Get(path);
            times.Add(clock.Elapsed.TotalMilliseconds);
        }
        times.Sort();
        return string.Create(CultureInfo.InvariantCulture, $"| {path} | {times[times.Count / 2]:0.0} | {times[^1]:0.0} | {size / 1000.0:0.0} |\n");
    }

    /// <summary>Rows of other distros, versions and unames, with the forms of real ones: the blobs are there for each.</summary>
    /// <returns>How many rows there are, and a real kernel.</returns>
    private static (long Rows, string Kernel) Copy(string data, string folder, int rows)
    {
        Directory.CreateDirectory(folder);
        ChildProcess.Run(["cp", "-r", "--link", Path.Combine(data, "tree"), folder]);
        File.Copy(Path.Combine(data, "catalogue.db"), Path.Combine(folder, "catalogue.db"));
        SQLitePCL.Batteries_V2.Init();
        using var connection = new SqliteConnection($"Data Source={Path.Combine(folder, "catalogue.db")}");
        connection.Open();
        var real = (long)Ask(connection, "SELECT COUNT(*) FROM kernels");
        Ask(connection, string.Create(CultureInfo.InvariantCulture, $"""
            WITH RECURSIVE copies(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM copies WHERE i < {rows / real})
            INSERT INTO kernels (sequence, distro, version, arch, uname, package_name, package_version, package_sha256, package_size, package_url, outcome, reason, attempts, first_seen, updated, retry_at,
              build_id, taken_from, ships_btf, published_at, raw_sha256, raw_size, tarball_sha256, tarball_size, provenance_sha256, provenance_size)
            SELECT 1000000 + i * {real} + id, 'distro-' || (i % 20), 1 + i / 20 % 4, arch, printf('%d.%d.0-%d-%s', 4 + i % 3, i % 20, i * 1000 + id, CASE id % 3 WHEN 0 THEN 'cloud' WHEN 1 THEN 'generic' ELSE 'rt' END),
              package_name, package_version, package_sha256, package_size, package_url, outcome, reason, attempts, first_seen - i * 3600000, updated - i * 3600000, retry_at,
              build_id, taken_from, ships_btf, published_at - i * 3600000, raw_sha256, raw_size, tarball_sha256, tarball_size, provenance_sha256, provenance_size
            FROM kernels, copies
            """));
        return ((long)Ask(connection, "SELECT COUNT(*) FROM kernels"), (string)Ask(connection, "SELECT distro || '/' || version || '/' || arch || '/' || uname FROM kernels WHERE distro NOT LIKE 'distro-%' AND outcome = 'published' AND arch = 'x86_64' ORDER BY id DESC LIMIT 1"));
    }

    private static object Ask(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar() ?? 0L;
    }
}
