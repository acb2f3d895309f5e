using Dapper;

namespace Archive.Store.Catalogue;

/// <summary>Coverage and the audit log.</summary>
public abstract partial class SqlCatalogue
{
    public async Task<IReadOnlyList<CoverageCount>> CoverageAsync(CancellationToken cancellation)
    {
        await using var connection = await Dialect.OpenAsync(cancellation);
        var rows = await connection.QueryAsync<CoverageCount>(new CommandDefinition(
            """
            SELECT distro AS Distro, version AS Version, arch AS Arch, outcome AS Outcome, COUNT(*) AS Builds,
              COALESCE(SUM(CAST(ships_btf AS BIGINT)), 0) AS ShipsBtf, MAX(updated) AS Updated
            FROM kernels GROUP BY distro, version, arch, outcome ORDER BY distro, version, arch, outcome
            """, cancellationToken: cancellation));
        return [.. rows];
    }

    public async Task AuditAsync(string who, string action, string detail, CancellationToken cancellation)
    {
        await using var connection = await Dialect.OpenAsync(cancellation);
        await connection.ExecuteAsync(new CommandDefinition(
            "INSERT INTO audit (time, who, action, detail) VALUES (@now, @who, @action, @detail)",
            new { now = clock.GetUtcNow().ToUnixTimeMilliseconds(), who, action, detail }, cancellationToken: cancellation));
    }

    public async Task<IReadOnlyList<AuditRecord>> AuditsAsync(int limit, CancellationToken cancellation)
    {
        await using var connection = await Dialect.OpenAsync(cancellation);
        var rows = await connection.QueryAsync<AuditRecord>(new CommandDefinition(
            "SELECT id AS Id, time AS Time, who AS Who, action AS Action, detail AS Detail FROM audit ORDER BY id DESC LIMIT @limit",
            new { limit }, cancellationToken: cancellation));
        return [.. rows];
    }
}
