using System.CommandLine;
using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Archive.Crawler.Runs;
using Archive.Crawler.Sources;
using Archive.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Benchmarks;

/// <summary>
/// <c>plan</c>: what planning a crawl costs, of APT indexes of two sizes with the same number of kernels in them, on an empty catalogue and on one that
/// knows them all. What is no kernel should cost time alone.
/// </summary>
internal static class PlanCommand
{
    private static readonly Option<int> Packages = new("--packages") { Description = "Of the larger index; the smaller has a tenth.", DefaultValueFactory = _ => 1_000_000 };

    private static readonly Option<int> Kernels = new("--kernels") { Description = "Kernels in each index.", DefaultValueFactory = _ => 100_000 };

    public static Command Create()
    {
        var command = new Command("plan", "Planning a crawl: a million packages listed, a hundred thousand known builds.") { Packages, Kernels };
        command.SetAction(parsed =>
        {
            Console.Write("| packages | kernels | known | seconds | CPU s | peak MiB (VmHWM) | GC heap MiB | to fetch |\n|--:|--:|--:|--:|--:|--:|--:|--:|\n");
            foreach (var packages in (int[])[parsed.GetValue(Packages) / 10, parsed.GetValue(Packages)])
                BenchmarkCommand.InScratch(scratch => Measure(scratch, packages, parsed.GetValue(Kernels)));
        });
        return command;
    }

    /// <summary>One plan in this process, which is thus measured: <c>plan-here FOLDER</c>, with its sources and its data.</summary>
    public static Command Here()
    {
        var folder = new Argument<string>("FOLDER");
        var command = new Command("plan-here", "One plan, for 'plan' to measure.") { folder };
        command.Hidden = true;
        command.SetAction((parsed, cancellation) => PlanAsync(parsed.GetRequiredValue(folder), cancellation));
        return command;
    }

    private static void Measure(string scratch, int packages, int kernels)
    {
        var repository = Path.Combine(scratch, "repository");
        Publish(repository, packages, kernels);
        File.SetUnixFileMode(scratch, (UnixFileMode)0b111_101_101); // The server's workers are somebody else.
        using var server = new WebServer(repository, scratch);
        WriteSource(Directory.CreateDirectory(Path.Combine(scratch, "sources")).FullName, server.Address);
        Plan(scratch, packages, kernels, "none");
        Fill(Path.Combine(scratch, "data", "catalogue.db"), packages, kernels);
        Plan(scratch, packages, kernels, "all");
    }

    private static void Plan(string scratch, int packages, int kernels, string known)
    {
        var output = Path.Combine(scratch, "output");
        var cost = ChildProcess.Run(["dotnet", typeof(PlanCommand).Assembly.Location, "plan-here", scratch], output);
        Console.Write(string.Create(
            CultureInfo.InvariantCulture, $"| {packages} | {kernels} | {known} | {cost.WallSeconds:0.0} | {cost.CpuSeconds:0.0} | {cost.PeakBytes >> 20} | {File.ReadAllText(output).Trim()} |\n"));
    }

    /// <summary>Prints the largest heap that a collection left, in MiB, and how many kernels the plan has.</summary>
    private static async Task PlanAsync(string folder, CancellationToken cancellation)
    {
        var data = Path.Combine(folder, "data");
        using var store = await ArchiveStore.OpenAsync(StoreOptions.FromEnvironment(data), TimeProvider.System, cancellation);
        using var crawls = new CrawlFactory(store, TimeProvider.System, NullLoggerFactory.Instance, data, null, new SourceFiles(Path.Combine(folder, "sources")));
        long heap = 0;
        using var sampler = new Timer(_ => heap = Math.Max(heap, GC.GetGCMemoryInfo(GCKind.Any).HeapSizeBytes), null, 0, 5);
        var plan = await crawls.Create("big").PlanAsync(new CrawlRequest { Source = "big", Arches = ["amd64"], Flavours = ["all"], Newest = int.MaxValue }, null, cancellation);
        Console.WriteLine($"{Math.Max(heap, GC.GetTotalMemory(forceFullCollection: true)) >> 20} | {plan.Todo.Count}");
    }

    /// <summary>Kernels are spread evenly over the index.</summary>
    private static IEnumerable<(string Name, string Version, string Sha256, bool IsKernel)> List(int packages, int kernels)
    {
        var every = Math.Max(1, packages / kernels);
        for (var i = 0; i < packages; i++)
        {
            var (kernel, isKernel) = (i / every, i % every == 0 && i / every < kernels);
            var name = isKernel ? $"linux-image-6.{kernel / 1000}.{kernel % 1000}-1-amd64-dbg" : $"package-{i}";
            yield return (name, $"6.1.{i}-1", Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(name))), isKernel);
        }
    }

    private static void Publish(string root, int packages, int kernels)
    {
        var index = Path.Combine(Directory.CreateDirectory(Path.Combine(root, "dists/big/main/binary-amd64")).FullName, "Packages.gz");
        using (var writer = new StreamWriter(new GZipStream(File.Create(index), CompressionLevel.Fastest)))
        {
            foreach (var (name, version, sha256, _) in List(packages, kernels))
                writer.Write($"Package: {name}\nSource: linux\nVersion: {version}\nInstalled-Size: 1000\nMaintainer: Somebody <somebody@example.org>\nArchitecture: amd64\n"
                    + $"Depends: one, two (>= 1.0), three\nDescription: a package among a million\nSection: kernel\nPriority: optional\n"
                    + $"Filename: pool/main/l/linux/{name}_{version}_amd64.deb\nSize: 300000000\nSHA256: {sha256}\n\n");
        }
        var packed = File.ReadAllBytes(index);
        File.WriteAllText(
            Path.Combine(root, "dists/big/Release"),
            $"Suite: big\nCodename: big\nComponents: main\nSHA256:\n {Convert.ToHexStringLower(SHA256.HashData(packed))} {packed.Length} main/binary-amd64/Packages.gz\n");
    }

    private static void WriteSource(string folder, Uri mirror) => File.WriteAllText(Path.Combine(folder, "big.json"), $$"""
        {
          "id": "big", "distro": "debian", "protocol": "apt", "unverified": "a benchmark", "mirrors": { "main": [ "{{mirror}}" ] }, "components": [ "main" ],
          "packages": [
            { "grade": "debug", "name": "^linux-image-(?<uname>[0-9]+\\.[0-9]+\\.[0-9]+[-+][0-9A-Za-z.+~-]+)-dbg$" },
            { "grade": "image", "name": "^linux-(image|binary)-(?<uname>[0-9]+\\.[0-9]+\\.[0-9]+[-+][0-9A-Za-z.+~-]+)$" },
            { "grade": "modules", "name": "^linux-modules-(?<uname>[0-9]+\\.[0-9]+\\.[0-9]+[-+][0-9A-Za-z.+~-]+)$" }
          ],
          "arches": { "amd64": "x86_64" },
          "releases": [ { "codename": "big", "version": "12", "stable": true, "repositories": [ { "name": "big" } ] } ]
        }
        """);

    private static void Fill(string catalogue, int packages, int kernels)
    {
        using var connection = new SqliteConnection($"Data Source={catalogue};Pooling=False");
        connection.Open();
        using var transaction = connection.BeginTransaction();
        using var insert = connection.CreateCommand();
        insert.CommandText = """
            INSERT INTO kernels (sequence, distro, version, arch, uname, package_name, package_version, package_sha256, package_size, package_url, outcome, reason, attempts, first_seen, updated)
            VALUES ($sequence, 'debian', '12', 'x86_64', $uname, $name, $version, $sha256, 1, 'http://x/', 'no-debug-info', 'a benchmark', 1, 0, 0)
            """;
        string[] names = ["$sequence", "$uname", "$name", "$version", "$sha256"];
        foreach (var name in names)
            insert.Parameters.Add(new SqliteParameter(name, null));
        foreach (var ((name, version, sha256, _), i) in List(packages, kernels).Where(p => p.IsKernel).Select((p, i) => (p, i)))
        {
            object[] values = [i + 1, name["linux-image-".Length..^"-dbg".Length], name, version, sha256];
            for (var j = 0; j < values.Length; j++)
                insert.Parameters[j].Value = values[j];
            insert.ExecuteNonQuery();
        }
        transaction.Commit();
    }
}
