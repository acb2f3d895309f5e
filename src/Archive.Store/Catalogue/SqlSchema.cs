namespace Archive.Store.Catalogue;

/// <summary>
/// The schema as forward steps; a database is at the number of steps it has taken. A step that was released is never edited:
/// a change is a further step. Times are Unix milliseconds, flags 0 or 1, so that every database holds the same values.
/// </summary>
internal static class SqlSchema
{
    /// <summary>
    /// The last step that programs from before it cannot work with. Tables, indexes and columns that may be null break nothing; what does is
    /// taken in two releases, first the addition, then the removal.
    /// </summary>
    public const int LastBreaking = 4;

    /// <summary>Steps in order, in the dialect's words for what databases spell differently. An index that an operator built beforehand is taken as it is.</summary>
    public static IReadOnlyList<string> Steps(SqlDialect dialect) => [.. Steps(dialect, dialect.IdentityColumn).Select(step => step
        .Replace(" TEXT", $" {dialect.TextColumn}", StringComparison.Ordinal)
        .Replace("CREATE INDEX ", "CREATE INDEX IF NOT EXISTS ", StringComparison.Ordinal))];

    private static string[] Steps(SqlDialect dialect, string identityColumn) => [
        $"""
        CREATE TABLE kernels (
          id {identityColumn},
          sequence BIGINT NOT NULL UNIQUE,
          distro TEXT NOT NULL,
          version TEXT NOT NULL,
          arch TEXT NOT NULL,
          uname TEXT NOT NULL,
          package_name TEXT NOT NULL,
          package_version TEXT NOT NULL,
          package_sha256 TEXT NOT NULL,
          package_size BIGINT NOT NULL,
          package_url TEXT NOT NULL,
          outcome TEXT NOT NULL,
          reason TEXT,
          attempts INTEGER NOT NULL,
          first_seen BIGINT NOT NULL,
          updated BIGINT NOT NULL,
          retry_at BIGINT,
          build_id TEXT,
          taken_from TEXT,
          ships_btf INTEGER,
          published_at BIGINT,
          raw_sha256 TEXT,
          raw_size BIGINT,
          tarball_sha256 TEXT,
          tarball_size BIGINT,
          provenance_sha256 TEXT,
          provenance_size BIGINT,
          UNIQUE (distro, version, arch, uname, package_name, package_version)
        );
        CREATE INDEX kernels_by_uname ON kernels (uname);
        CREATE INDEX kernels_by_build_id ON kernels (build_id);
        CREATE INDEX kernels_by_raw ON kernels (raw_sha256);
        CREATE INDEX kernels_by_tarball ON kernels (tarball_sha256);

        CREATE TABLE change_counter (id INTEGER PRIMARY KEY, value BIGINT NOT NULL);
        INSERT INTO change_counter (id, value) VALUES (1, 0);

        CREATE TABLE crawl_runs (
          id {identityColumn},
          source TEXT NOT NULL,
          started BIGINT NOT NULL,
          finished BIGINT,
          found INTEGER,
          added INTEGER,
          published INTEGER,
          failed INTEGER,
          downloaded_bytes BIGINT,
          error TEXT
        );
        CREATE INDEX crawl_runs_by_source ON crawl_runs (source, id);
        """,
        """
        ALTER TABLE kernels ADD COLUMN modules_sha256 TEXT;
        ALTER TABLE kernels ADD COLUMN modules_size BIGINT;
        """,
        """
        CREATE TABLE chain (
          position BIGINT PRIMARY KEY,
          hash TEXT NOT NULL,
          line TEXT NOT NULL
        );
        CREATE TABLE audit (
          id $identity$,
          time BIGINT NOT NULL,
          who TEXT NOT NULL,
          action TEXT NOT NULL,
          detail TEXT NOT NULL
        );
        """.Replace("$identity$", identityColumn, StringComparison.Ordinal),
        """
        CREATE TABLE listed_packages (
          source TEXT NOT NULL,
          scope TEXT NOT NULL,
          distro TEXT NOT NULL,
          version TEXT NOT NULL,
          arch TEXT NOT NULL,
          uname TEXT NOT NULL,
          package_name TEXT NOT NULL,
          package_version TEXT NOT NULL,
          grade TEXT NOT NULL,
          package_size BIGINT NOT NULL,
          package_url TEXT NOT NULL,
          first_listed BIGINT NOT NULL,
          last_listed BIGINT NOT NULL,
          gone_at BIGINT,
          PRIMARY KEY (source, scope, distro, version, arch, uname, package_name, package_version)
        );
        CREATE INDEX listed_packages_by_kernel ON listed_packages (distro, version, arch, uname);
        CREATE INDEX kernels_by_key ON kernels (distro, version, arch, uname);
        ALTER TABLE crawl_runs ADD COLUMN outcomes TEXT;
        """,
        """
        ALTER TABLE schema_steps ADD COLUMN needs INTEGER;
        CREATE TABLE shared_hosts (
          host TEXT PRIMARY KEY,
          next_start BIGINT NOT NULL DEFAULT 0,
          failures INTEGER NOT NULL DEFAULT 0,
          paused_until BIGINT NOT NULL DEFAULT 0,
          day INTEGER NOT NULL DEFAULT 0,
          bytes BIGINT NOT NULL DEFAULT 0
        );
        """,
        """
        ALTER TABLE crawl_runs ADD COLUMN state TEXT;
        ALTER TABLE crawl_runs ADD COLUMN updated BIGINT;
        ALTER TABLE crawl_runs ADD COLUMN doing TEXT;
        ALTER TABLE crawl_runs ADD COLUMN failures TEXT;
        UPDATE crawl_runs SET state = CASE WHEN error IS NULL THEN 'complete' ELSE 'failed' END WHERE finished IS NOT NULL;
        """,
        CoverageSql.Schema(dialect),
        """
        CREATE INDEX kernels_by_distro ON kernels (distro, sequence);
        CREATE INDEX kernels_by_place ON kernels (distro, version, arch, sequence);
        CREATE INDEX kernels_by_outcome ON kernels (outcome, sequence);
        CREATE INDEX kernels_by_gap ON kernels (sequence) WHERE outcome NOT IN ('published', 'conflict', 'withdrawn', 'native');
        DROP INDEX kernels_by_key;
        """,
        """
        CREATE INDEX kernels_by_pattern ON kernels (uname, sequence, distro, version, arch, outcome);
        DROP INDEX kernels_by_uname;
        """,
    ];
}
