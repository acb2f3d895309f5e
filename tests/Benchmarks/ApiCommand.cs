using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace Benchmarks;

/// <summary>The API under load, in turn with nginx on the same machine: look-ups over catalogues of two sizes, a tarball by its path, cold starts, slow downloads, bulk.</summary>
internal static class ApiCommand
{
    private const int SlowDownloads = 2000;

    /// <summary>So many kernels the hosts of a large fleet run.</summary>
    private const int KernelsOfFleet = 1000;

    /// <summary>Rows as a crawl leaves them; arguments: catalogue, number.</summary>
    internal const string Fill = """
        import sqlite3, sys, hashlib
        db = sqlite3.connect(sys.argv[1]); n = int(sys.argv[2])
        places = [("debian", "12"), ("ubuntu", "22.04"), ("centos", "7"), ("fedora", "38"), ("ol", "8")]
        def rows():
            for i in range(n):
                d = hashlib.sha256(str(i).encode()).hexdigest()
                u = f"{4 + i % 3}.{i % 20}.{i // 20 % 200}-{i}-generic"
                yield (i + 1, *places[i % 5], ("x86_64", "arm64")[i // 5 % 2], u, "linux-image-" + u, "1.0-1", d, 1000, "http://mirror.example/" + d, "published", 1, 1, 1,
                       d[:40], "dwarf", 0, 1, d, 4000000, d[::-1], 1000000, d[1:] + d[:1], 3000)
        db.executescript("PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000")
        db.executemany("INSERT INTO kernels (sequence, distro, version, arch, uname, package_name, package_version, package_sha256, package_size, package_url, outcome, attempts, first_seen, updated,"
                       " build_id, taken_from, ships_btf, published_at, raw_sha256, raw_size, tarball_sha256, tarball_size, provenance_sha256, provenance_size) VALUES (" + ",".join("?" * 24) + ")", rows())
        db.execute("UPDATE change_counter SET value = ?", (n,))
        db.commit()
        """;

    private static readonly Option<FileInfo?> Program = new("--program") { Description = "The published Archive.Api; published anew from this checkout if not given." };

    private static readonly Option<int> Kernels = new("--kernels") { Description = "Size of the large catalogue.", DefaultValueFactory = _ => 1_000_000 };

    private static readonly Option<DirectoryInfo?> Data = new("--data") { Description = "Data directory of an archive, for what needs content: tarballs, slow downloads, bulk." };

    public static Command Create()
    {
        var command = new Command("api", "The API under load, against nginx.") { BenchmarkCommand.Rounds, Program, Kernels, Data };
        command.SetAction(parsed => BenchmarkCommand.InScratch(scratch =>
        {
            var program = parsed.GetValue(Program)?.FullName ?? PublishedProgram.Publish("Archive.Api", scratch);
            var rounds = parsed.GetValue(BenchmarkCommand.Rounds);
            foreach (var kernels in (int[])[10_000, parsed.GetValue(Kernels)])
                Lookups(program, scratch, kernels, rounds);
            if (parsed.GetValue(Data) is { } data)
                Contents(program, data.FullName, scratch, rounds);
        }));
        return command;
    }

    private static void Lookups(string program, string scratch, int kernels, int rounds)
    {
        var data = Path.Combine(scratch, $"data-{kernels}");
        var (any, fleet) = (Script(scratch, kernels, kernels), Script(scratch, kernels, KernelsOfFleet));
        var empty = ColdStart(program, data);
        ChildProcess.Run(["python3", "-c", Fill, Path.Combine(data, "catalogue.db"), $"{kernels}"]);
        Line($"{kernels} kernels: cold start to the first answer {empty:f2} s empty, {ColdStart(program, data):f2} s filled");
        using var api = ServedArchive.Start(program, data);
        using var nginx = new WebServer(scratch, scratch);
        var clock = Stopwatch.GetTimestamp();
        api.Get("/");
        Line($"the first page, which waits until the list of all builds is in memory: {Stopwatch.GetElapsedTime(clock).TotalSeconds:f1} s; {api.ResidentMebibytes} MiB resident");
        Settle(api.Address.ToString(), any);
        Settle(api.Address.ToString(), fleet);
        foreach (var (name, script) in (ReadOnlySpan<(string, string)>)[("look-up of any kernel", any), ($"look-up of {KernelsOfFleet} kernels", fleet)])
            Compare(name, rounds, () => LoadRun.Measure(api.Address.ToString(), script), "static 200 of nginx", () => LoadRun.Measure(new Uri(nginx.Address, "/200").ToString()));
    }

    /// <summary>Asks at random for some of the kernels, which stand evenly among all.</summary>
    private static string Script(string scratch, int kernels, int asked)
    {
        var path = Path.Combine(scratch, $"lookup-{asked}.lua");
        File.WriteAllText(path, $$"""
            math.randomseed(os.time())
            request = function()
              local i = math.random(0, {{asked}} - 1) * {{kernels / asked}}
              return wrk.format("GET", string.format("/v1/lookup?uname=%d.%d.%d-%d-generic", 4 + i % 3, i % 20, math.floor(i / 20) % 200, i))
            end
            """);
        return path;
    }

    private static void Contents(string program, string data, string scratch, int rounds)
    {
        using var api = ServedArchive.Start(program, data);
        using var nginx = new WebServer(Path.Combine(data, "tree"), scratch);
        var tarball = Directory.EnumerateFiles(Path.Combine(data, "tree"), "*.btf.tar.xz", SearchOption.AllDirectories).First(f => !f.Contains("by-digest", StringComparison.Ordinal));
        var path = "/" + Path.GetRelativePath(Path.Combine(data, "tree"), tarball);
        Settle(new Uri(api.Address, path).ToString());
        Compare("tarball by path", rounds, () => LoadRun.Measure(new Uri(api.Address, path).ToString()), "nginx", () => LoadRun.Measure(new Uri(nginx.Address, path).ToString()));
        Slow(api, path.Replace(".tar.xz", "", StringComparison.Ordinal));
        foreach (var format in (string[])["tar", "tar.zst", "series"])
        {
            var output = Path.Combine(scratch, "bulk");
            var cost = ChildProcess.Run(["curl", "-sSf", "-o", output, new Uri(api.Address, $"/v1/bulk?format={format}").ToString()]);
            Line($"bulk {format} of {api.KernelCount} kernels: {new FileInfo(output).Length} bytes in {cost.WallSeconds:f1} s");
        }
    }

    private static void Slow(ServedArchive api, string path)
    {
        var probe = new Uri(api.Address, "/health/live").ToString();
        Settle(probe);
        var (before, memory) = (LoadRun.Measure(probe), api.ResidentMebibytes);
        var clients = Enumerable.Range(0, SlowDownloads).Select(_ =>
        {
            var client = new TcpClient { ReceiveBufferSize = 4096 };
            client.Connect(api.Address.Host, api.Address.Port);
            client.GetStream().Write(Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
            client.GetStream().ReadByte(); // It has begun, and nobody reads on.
            return client;
        }).ToList();
        Settle(probe);
        var during = LoadRun.Measure(probe);
        Line($"{SlowDownloads} slow downloads: {memory} MiB before, {api.ResidentMebibytes} MiB during; others {before.PerSecond:f0}/s, p99 {before.P99Milliseconds:f1} ms before, {during.PerSecond:f0}/s, p99 {during.P99Milliseconds:f1} ms during");
        clients.ForEach(c => c.Dispose());
    }

    /// <summary>Until what is hot is compiled with what its first runs told, which takes ten seconds under load; before, it is three times as slow.</summary>
    private static void Settle(string url, string? script = null)
    {
        for (var run = 0; run < 4; run++)
            LoadRun.Measure(url, script);
    }

    private static void Compare(string name, int rounds, Func<LoadRun> ours, string peer, Func<LoadRun> theirs)
    {
        var runs = Enumerable.Range(0, rounds).Select(_ => (Ours: ours(), Theirs: theirs())).ToList();
        Line($"{name}: {Report.Median(runs.Select(r => r.Ours.PerSecond)):f0}/s, p99 {Report.Median(runs.Select(r => r.Ours.P99Milliseconds)):f2} ms; {peer}: {Report.Median(runs.Select(r => r.Theirs.PerSecond)):f0}/s, p99 {Report.Median(runs.Select(r => r.Theirs.P99Milliseconds)):f2} ms; ratios {Report.Median(runs.Select(r => r.Ours.PerSecond / r.Theirs.PerSecond)):f3} and {Report.Median(runs.Select(r => r.Ours.P99Milliseconds / r.Theirs.P99Milliseconds)):f2}");
    }

    /// <returns>Seconds from the start of the process to its first answer out of the catalogue.</returns>
    private static double ColdStart(string program, string data)
    {
        var clock = Stopwatch.GetTimestamp();
        using var api = ServedArchive.Start(program, data);
        return Stopwatch.GetElapsedTime(clock).TotalSeconds;
    }

    private static void Line(FormattableString text) => Console.WriteLine(text.ToString(CultureInfo.InvariantCulture));
}
