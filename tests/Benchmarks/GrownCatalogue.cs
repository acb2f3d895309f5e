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

    /// <summary>The rows of <see cref="ApiCommand.Fill"/>, made by PostgreSQL itself.</summary>
    private const string Fill = """
        INSERT INTO kernels (sequence, distro, version, arch, uname, package_name, package_version, package_sha256, package_size, package_url, outcome, attempts, first_seen, updated,
          build_id, taken_from, ships_btf, published_at, raw_sha256, raw_size, tarball_sha256, tarball_size, provenance_sha256, provenance_size)
        SELECT i + 1, (ARRAY['debian', 'ubuntu', 'centos', 'fedora', 'ol'])[1 + i % 5], '0', (ARRAY['x86_64', 'arm64'])[1 + i / 5 % 2], u, 'linux-image-' || u, '1.0-1', d, 1000,
          'http://mirror.example/' || d, 'published', 1, 1, 1, left(d, 40), 'dwarf', 0, 1, d, 4000000, reverse(d), 1000000, right(d, 63) || left(d, 1), 3000
        FROM (SELECT i, (4 + i % 3) || '.' || i % 20 || '.' || i / 20 % 200 || '-' || i || '-generic' AS u, encode(sha256(convert_to(i::text, 'UTF8')), 'hex') AS d FROM generate_series(0, @builds - 1) i) r;
        UPDATE change_counter SET value = @builds
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

    /// <summary>On PostgreSQL.</summary>
    /// <param name="database">Npgsql's connection string to an empty database.</param>
    public static async Task<GrownCatalogue> OnPostgresAsync(int builds, string database, string program, string scratch)
    {
        var catalogue = new PostgresCatalogue(database, TimeProvider.System);
        await catalogue.InitialiseAsync(default);
        await using (var connection = new Npgsql.NpgsqlConnection(database))
        {
            await connection.ExecuteAsync(Fill, new { builds }, commandTimeout: 0);
            await connection.ExecuteAsync(Vary, commandTimeout: 0);
            await connection.ExecuteAsync("VACUUM ANALYZE", commandTimeout: 0); // As autovacuum does a minute later.
        }
        var data = Directory.CreateDirectory(Path.Combine(scratch, $"postgres-{builds}")).FullName;
        return new GrownCatalogue("PostgreSQL", builds, catalogue, ServedArchive.Start(program, data, "--Catalogue=postgres", $"--ConnectionStrings:Catalogue={database}", "--Roles:Extractor=false"));
    }

    public Task<int> GetAsync(string path) => _served.LengthAsync(path);

    public void Dispose()
    {
        _served.Dispose();
        _catalogue.Dispose();
    }
}
