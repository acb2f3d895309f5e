using System.Data.Common;
using Archive.Store.Kernels;
using Dapper;

namespace Archive.Store.Catalogue;

public abstract partial class SqlCatalogue
{
    private const string Upsert = """
        INSERT INTO listed_packages (source, scope, distro, version, arch, uname, package_name, package_version, grade, package_size, package_url,
          first_listed, last_listed, gone_at)
        VALUES (@source, @Scope, @Distro, @Version, @Arch, @Uname, @PackageName, @PackageVersion, @Grade, @Size, @Url, @now, @now, NULL)
        ON CONFLICT (source, scope, distro, version, arch, uname, package_name, package_version)
        DO UPDATE SET last_listed = @now, gone_at = NULL, package_size = @Size, package_url = @Url, grade = @Grade
        """;

    /// <summary>
    /// A row for each kernel that is listed, with the outcome of its best build: a build is better the further it came. Kernels without a build
    /// are pending where a source lists a package of theirs, else only a list of others names them.
    /// </summary>
    private const string PerKernel = """
        SELECT l.distro AS Distro, l.version AS Version, l.arch AS Arch, l.uname AS Uname, l.FirstListed, l.Present, l.GoneAt, k.reason AS Reason,
          COALESCE(k.outcome, CASE WHEN l.HasPackage = 1 THEN 'pending' ELSE 'no-package' END) AS Outcome
        FROM (SELECT distro, version, arch, uname, MIN(first_listed) AS FirstListed, MAX(gone_at) AS GoneAt,
                MAX(CASE WHEN gone_at IS NULL THEN 1 ELSE 0 END) AS Present, MAX(CASE WHEN grade <> 'headers' THEN 1 ELSE 0 END) AS HasPackage
              FROM listed_packages
              WHERE grade <> 'modules' AND (@distro IS NULL OR distro = @distro) AND (@version IS NULL OR version = @version) AND (@arch IS NULL OR arch = @arch)
                AND (distro, version, arch, uname) > (@afterDistro, @afterVersion, @afterArch, @afterUname)
              GROUP BY distro, version, arch, uname) l
        LEFT JOIN kernels k ON k.id = (
          SELECT b.id FROM kernels b WHERE b.distro = l.distro AND b.version = l.version AND b.arch = l.arch AND b.uname = l.uname
          ORDER BY CASE b.outcome WHEN 'published' THEN 0 WHEN 'conflict' THEN 1 WHEN 'native' THEN 2 WHEN 'pending' THEN 9 ELSE 5 END, b.sequence DESC LIMIT 1)
        """;

    private const string PerPlace = $"""
        SELECT Distro, Version, Arch, Outcome, COUNT(*) AS Kernels, SUM(1 - Present) AS Gone FROM ({PerKernel}) p
        GROUP BY Distro, Version, Arch, Outcome ORDER BY Distro, Version, Arch, Outcome
        """;

    private const string Gaps = $"""
        SELECT * FROM ({PerKernel}) p WHERE Outcome NOT IN ('published', 'conflict', 'native') AND (@outcome IS NULL OR Outcome = @outcome)
        ORDER BY Distro, Version, Arch, Uname LIMIT @limit
        """;

    public Task RecordListingAsync(string source, IReadOnlyCollection<string> scopes, IEnumerable<ListedKernel> kernels, CancellationToken cancellation)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var rows = kernels.Select(k => new
        {
            source,
            k.Scope,
            k.Key.Distro,
            k.Key.Version,
            k.Key.Arch,
            k.Key.Uname,
            PackageName = SqlText.Storable(k.PackageName),
            PackageVersion = SqlText.Storable(k.PackageVersion),
            k.Grade,
            k.Size,
            Url = k.Url.AbsoluteUri,
            now,
        });
        return TransactAsync(async connection =>
        {
            await connection.ExecuteAsync(Upsert, rows);
            await EndMissingAsync(connection, source, scopes, now);
            return true;
        }, cancellation);
    }

    public Task<IReadOnlyDictionary<BuildIdentity, KnownBuild>> KnownAsync(string distro, CancellationToken cancellation) =>
        UseAsync(connection => KnownAsync(connection, distro, cancellation), cancellation);

    private static async Task<IReadOnlyDictionary<BuildIdentity, KnownBuild>> KnownAsync(DbConnection connection, string distro, CancellationToken cancellation)
    {
        var known = new Dictionary<BuildIdentity, KnownBuild>();
        await foreach (var row in connection.QueryUnbufferedAsync<KernelRow>(
            "SELECT version AS Version, arch AS Arch, uname AS Uname, package_name AS PackageName, package_version AS PackageVersion, "
            + "package_sha256 AS PackageSha256, outcome AS Outcome, retry_at AS RetryAt FROM kernels WHERE distro = @distro", new { distro }).WithCancellation(cancellation))
        {
            var identity = new BuildIdentity(new KernelKey(distro, row.Version, row.Arch, row.Uname), row.PackageName, row.PackageVersion);
            known[identity] = new KnownBuild(OutcomeNames.Find(row.Outcome)!.Value, FromMilliseconds(row.RetryAt), row.PackageSha256);
        }
        return known;
    }

    public async Task<IReadOnlyList<ListedCoverage>> ListedCoverageAsync(ListedFilter filter, CancellationToken cancellation) =>
        [.. (await ReadAsync<PlaceRow>(PerPlace, Parameters(filter), cancellation)).GroupBy(r => (r.Distro, r.Version, r.Arch)).Select(group => new ListedCoverage(
            group.Key.Distro, group.Key.Version, group.Key.Arch, group.Sum(r => r.Kernels), group.Sum(r => r.Gone), group.ToDictionary(r => r.Outcome, r => r.Kernels)))];

    public async Task<IReadOnlyList<ListedGap>> ListedGapsAsync(ListedFilter filter, CancellationToken cancellation) =>
        [.. (await ReadAsync<ListedRow>(Gaps, Parameters(filter), cancellation)).Select(k => new ListedGap(
            new KernelKey(k.Distro, k.Version, k.Arch, k.Uname), k.Outcome, k.Reason,
            FromMilliseconds(k.FirstListed)!.Value, k.Present == 0 ? FromMilliseconds(k.GoneAt) : null))];

    /// <summary>What its scope, read to the end, did not list this time.</summary>
    private static async Task EndMissingAsync(DbConnection connection, string source, IEnumerable<string> scopes, long now)
    {
        foreach (var scope in scopes)
        {
            await connection.ExecuteAsync(
                "UPDATE listed_packages SET gone_at = @now WHERE source = @source AND scope = @scope AND last_listed < @now AND gone_at IS NULL",
                new { source, scope, now });
        }
    }

    private static object Parameters(ListedFilter filter) => new
    {
        distro = filter.Distro,
        version = filter.Version,
        arch = filter.Arch,
        outcome = filter.Outcome,
        limit = filter.Limit,
        afterDistro = filter.After?.Distro ?? "",
        afterVersion = filter.After?.Version ?? "",
        afterArch = filter.After?.Arch ?? "",
        afterUname = filter.After?.Uname ?? "",
    };

    private static DateTimeOffset? FromMilliseconds(long? time) => time is { } value ? DateTimeOffset.FromUnixTimeMilliseconds(value) : null;

    private sealed class ListedRow
    {
        public string Distro { get; init; } = "";
        public string Version { get; init; } = "";
        public string Arch { get; init; } = "";
        public string Uname { get; init; } = "";
        public long FirstListed { get; init; }
        public int Present { get; init; }
        public long? GoneAt { get; init; }
        public string Outcome { get; init; } = "";
        public string? Reason { get; init; }
    }

    private sealed class PlaceRow
    {
        public string Distro { get; init; } = "";
        public string Version { get; init; } = "";
        public string Arch { get; init; } = "";
        public string Outcome { get; init; } = "";
        public long Kernels { get; init; }
        public long Gone { get; init; }
    }
}
