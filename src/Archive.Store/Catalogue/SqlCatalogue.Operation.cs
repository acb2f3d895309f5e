using Dapper;

namespace Archive.Store.Catalogue;

/// <summary>Coverage and the audit log.</summary>
public abstract partial class SqlCatalogue
{
    public async Task<IReadOnlyList<CoverageCount>> CoverageAsync(CancellationToken cancellation) => [.. (await ReadAsync<CountRow>(CoverageSql.Select, null, cancellation)).Select(r => new CoverageCount(r.Distro, r.Version, r.Arch, r.Outcome, r.Builds, r.ShipsBtf, r.Updated))];

    public Task AuditAsync(string who, string action, string detail, CancellationToken cancellation) => UseAsync(
        connection => connection.ExecuteAsync(new CommandDefinition(
            "INSERT INTO audit (time, who, action, detail) VALUES (@now, @who, @action, @detail)",
            new { now = clock.GetUtcNow().ToUnixTimeMilliseconds(), who = SqlText.Storable(who), action = SqlText.Storable(action), detail = SqlText.Storable(detail) },
            cancellationToken: cancellation)),
        cancellation);

    public Task<IReadOnlyList<AuditRecord>> AuditsAsync(int limit, CancellationToken cancellation) => ReadAsync<AuditRecord>(
        "SELECT id AS Id, time AS Time, who AS Who, action AS Action, detail AS Detail FROM audit ORDER BY id DESC LIMIT @limit", new { limit }, cancellation);

    /// <summary>By properties: of an empty answer SQLite does not know the types that a constructor would be chosen by.</summary>
    private sealed class CountRow
    {
        public string Distro { get; init; } = "";
        public string Version { get; init; } = "";
        public string Arch { get; init; } = "";
        public string Outcome { get; init; } = "";
        public long Builds { get; init; }
        public long ShipsBtf { get; init; }
        public long Updated { get; init; }
    }
}
