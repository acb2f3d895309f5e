namespace Archive.Store.Catalogue;

/// <summary>The statements on <c>kernels</c>, alike for every database.</summary>
internal static class KernelSql
{
    public const string Select = """
        SELECT sequence AS Sequence, distro AS Distro, version AS Version, arch AS Arch, uname AS Uname,
          package_name AS PackageName, package_version AS PackageVersion, package_sha256 AS PackageSha256,
          package_size AS PackageSize, package_url AS PackageUrl, outcome AS Outcome, reason AS Reason, attempts AS Attempts,
          first_seen AS FirstSeen, updated AS Updated, retry_at AS RetryAt, build_id AS BuildId, taken_from AS TakenFrom,
          ships_btf AS ShipsBtf, published_at AS PublishedAt, raw_sha256 AS RawSha256, raw_size AS RawSize,
          tarball_sha256 AS TarballSha256, tarball_size AS TarballSize, provenance_sha256 AS ProvenanceSha256,
          provenance_size AS ProvenanceSize, modules_sha256 AS ModulesSha256, modules_size AS ModulesSize
        FROM kernels
        """;

    public const string ThisBuild = """
        WHERE distro = @Distro AND version = @Version AND arch = @Arch AND uname = @Uname
          AND package_name = @PackageName AND package_version = @PackageVersion
        """;

    public const string Find = $"{Select} {ThisBuild}";

    public const string FindByDigest = $"{Select} WHERE raw_sha256 = @sha256 OR tarball_sha256 = @sha256";

    public const string FindByBuildId = $"{Select} WHERE build_id = @value";

    public const string FindByUname = $"{Select} WHERE uname = @value";

    public const string NextSequence = "UPDATE change_counter SET value = value + 1 WHERE id = 1 RETURNING value";

    public const string Insert = """
        INSERT INTO kernels (sequence, distro, version, arch, uname, package_name, package_version, package_sha256, package_size,
          package_url, outcome, attempts, first_seen, updated)
        VALUES (@Sequence, @Distro, @Version, @Arch, @Uname, @PackageName, @PackageVersion, @PackageSha256, @PackageSize,
          @PackageUrl, 'pending', 0, @Now, @Now)
        """;

    public const string SetOutcome = $"""
        UPDATE kernels SET sequence = @Sequence, updated = @Now, outcome = @Outcome, reason = @Reason, retry_at = @RetryAt,
          attempts = attempts + @Attempt
        {ThisBuild}
        """;

    /// <summary>What was tried is what the row describes: the mirror, or a corrected index, may have changed since it was first seen.</summary>
    public const string SetPackage = $"""
        UPDATE kernels SET package_sha256 = @PackageSha256, package_size = @PackageSize, package_url = @PackageUrl
        {ThisBuild}
        """;

    public const string SetPublication = $"""
        UPDATE kernels SET build_id = @BuildId, taken_from = @TakenFrom, ships_btf = @ShipsBtf, published_at = @PublishedAt,
          raw_sha256 = @RawSha256, raw_size = @RawSize, tarball_sha256 = @TarballSha256, tarball_size = @TarballSize,
          provenance_sha256 = @ProvenanceSha256, provenance_size = @ProvenanceSize,
          modules_sha256 = @ModulesSha256, modules_size = @ModulesSize
        {ThisBuild}
        """;
}
