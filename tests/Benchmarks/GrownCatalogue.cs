using System.Diagnostics;
using System.Globalization;
using Archive.Store.Catalogue;
using Dapper;
using Microsoft.Data.Sqlite;

namespace Benchmarks;

/// <summary>A catalogue of any size on either database, in process and served: 80 places, a tenth of the builds without BTF, in the order in which a crawl would meet them.</summary>
internal sealed class GrownCatalogue : IDisposable
{
    /// <summary>Places and outcomes as a large archive has them; the unames are those of <see cref="ApiCommand.Fill"/>.</summary>
    private const string Vary = """
        UPDATE kernels SET version = CAST(id / 10 % 8 AS TEXT), outcome = CASE WHEN id % 1000 = 7 THEN 'conflict' WHEN id % 500 = 3 THEN 'withdrawn' WHEN id % 100 = 11 THEN 'malformed'
          WHEN id % 50 = 12 THEN 'no-debug-info' WHEN id % 20 = 13 THEN 'pending' ELSE outcome END
        """;

    private readonly SqlCatalogue _catalogue;
    private readonly ServedArchive _served;

    private GrownCatalogue(string name, int builds, SqlCatalogue catalogue, ServedArchive served) => (Name, Builds, _catalogue, _served) = (name, builds, catalogue, served);

    public string Name { get; }

    public int Builds { get; }

    public ICatalogue Catalogue => _catalogue;

    public int ResidentMebibytes => _served.ResidentMebibytes;

    public static string Uname(int build) => string.Create(CultureInfo.InvariantCulture, $"{4 + build % 3}.{build % 20}.{build / 20 % 200}-{build}-generic");

    /// <summary>On SQLite, in a folder of its own.</summary>
    public static async Task<GrownCatalogue> OnSqliteAsync(int builds, string program, string scratch)
    {
        var data = Directory.CreateDirectory(Path.Combine(scratch, $"sqlite-{builds}")).FullName;
        var file = Path.Combine(data, "catalogue.db");
        var catalogue = new SqliteCatalogue(file, TimeProvider.System);
        await catalogue.InitialiseAsync(default);
        ChildProcess.Run(["python3", "-c", ApiCommand.Fill, file, builds.ToString(CultureInfo.InvariantCulture)]);
        await using (var connection = new SqliteConnection($"Data Source={file}"))
            await connection.ExecuteAsync("PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; " + Vary);
        return new GrownCatalogue("SQLite", builds, catalogue, ServedArchive.Start(program, data));
    }

    /// <summary>The same catalogue moved to PostgreSQL; how fast that goes is printed.</summary>
    /// <param name="database">Npgsql's connection string to an empty database.</param>
    public async Task<GrownCatalogue> OnPostgresAsync(string database, string program, string scratch)
    {
        var target = new PostgresCatalogue(database, TimeProvider.System);
        var clock = Stopwatch.StartNew();
        var rows = await _catalogue.CopyToAsync(target, default);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"catalogue copy of {rows} rows from SQLite to PostgreSQL: {clock.Elapsed.TotalSeconds:f1} s"));
        await using (var connection = new Npgsql.NpgsqlConnection(database))
            await connection.ExecuteAsync("VACUUM ANALYZE"); // As autovacuum does a minute later.
        var data = Directory.CreateDirectory(Path.Combine(scratch, $"postgres-{Builds}")).FullName;
        return new GrownCatalogue("PostgreSQL", Builds, target, ServedArchive.Start(program, data, "--Catalogue=postgres", $"--ConnectionStrings:Catalogue={database}", "--Roles:Extractor=false"));
    }

    public Task<int> GetAsync(string path) => _served.LengthAsync(path);

    public void Dispose()
    {
        _served.Dispose();
        _catalogue.Dispose();
    }
}
