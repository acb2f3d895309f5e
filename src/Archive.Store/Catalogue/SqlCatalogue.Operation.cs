using Dapper;

namespace Archive.Store.Catalogue;

/// <summary>Coverage and the audit log.</summary>
public abstract partial class SqlCatalogue
{
    public Task<IReadOnlyList<CoverageCount>> CoverageAsync(CancellationToken cancellation) => ReadAsync<CoverageCount>(
        """
        SELECT distro AS Distro, version AS Version, arch AS Arch, outcome AS Outcome, COUNT(*) AS Builds,
          CAST(COALESCE(SUM(ships_btf), 0) AS BIGINT) AS ShipsBtf, MAX(updated) AS Updated
        FROM kernels GROUP BY distro, version, arch, outcome ORDER BY distro, version, arch, outcome
        """, null, cancellation);

    public Task AuditAsync(string who, string action, string detail, CancellationToken cancellation) => UseAsync(
        connection => connection.ExecuteAsync(new CommandDefinition(
            "INSERT INTO audit (time, who, action, detail) VALUES (@now, @who, @action, @detail)",
            new { now = clock.GetUtcNow().ToUnixTimeMilliseconds(), who = SqlText.Storable(who), action = SqlText.Storable(action), detail = SqlText.Storable(detail) },
            cancellationToken: cancellation)),
        cancellation);

    public Task<IReadOnlyList<AuditRecord>> AuditsAsync(int limit, CancellationToken cancellation) => ReadAsync<AuditRecord>(
        "SELECT id AS Id, time AS Time, who AS Who, action AS Action, detail AS Detail FROM audit ORDER BY id DESC LIMIT @limit", new { limit }, cancellation);
}
