namespace Archive.Store.Catalogue;

/// <summary>
/// How many builds each place has of each outcome, in a table of its own, so that coverage costs the same whatever the catalogue has grown to.
/// Triggers keep it: in the transaction of each change, also of a copy's, of programs that do not know of it (rolling upgrade) and of a person with SQL.
/// </summary>
internal static class CoverageSql
{
    public const string Table = "coverage";

    /// <summary>Outcomes that no build has any more keep their row.</summary>
    public const string Select = $"""
        SELECT distro AS Distro, version AS Version, arch AS Arch, outcome AS Outcome, builds AS Builds, ships_btf AS ShipsBtf, updated AS Updated
        FROM {Table} WHERE builds > 0 ORDER BY distro, version, arch, outcome
        """;

    /// <summary>Of an UPDATE these columns matter.</summary>
    private const string Columns = "distro, version, arch, outcome, ships_btf, updated";

    private const string Add = $"""
        INSERT INTO {Table} ({Place}, builds, ships_btf, updated)
        VALUES (NEW.distro, NEW.version, NEW.arch, NEW.outcome, 1, COALESCE(NEW.ships_btf, 0), NEW.updated)
        ON CONFLICT ({Place}) DO UPDATE SET builds = {Table}.builds + 1, ships_btf = {Table}.ships_btf + excluded.ships_btf,
          updated = CASE WHEN {Table}.updated > excluded.updated THEN {Table}.updated ELSE excluded.updated END;
        """;

    private const string Remove = $"""
        UPDATE {Table} SET builds = builds - 1, ships_btf = ships_btf - COALESCE(OLD.ships_btf, 0)
        WHERE distro = OLD.distro AND version = OLD.version AND arch = OLD.arch AND outcome = OLD.outcome;
        """;

    private const string Place = "distro, version, arch, outcome";

    /// <summary>The triggers come before the first count: making them waits for those who write, and keeps further ones waiting.</summary>
    public static string Schema(SqlDialect dialect) => $"""
        CREATE TABLE {Table} (
          distro TEXT NOT NULL,
          version TEXT NOT NULL,
          arch TEXT NOT NULL,
          outcome TEXT NOT NULL,
          builds BIGINT NOT NULL,
          ships_btf BIGINT NOT NULL,
          updated BIGINT NOT NULL,
          PRIMARY KEY ({Place})
        );
        {dialect.Trigger("kernels_counted_in", "INSERT", "kernels", Add)}
        {dialect.Trigger("kernels_counted_out", "DELETE", "kernels", Remove)}
        {dialect.Trigger("kernels_counted_anew", $"UPDATE OF {Columns}", "kernels", Remove + Add)}
        INSERT INTO {Table} ({Place}, builds, ships_btf, updated)
        SELECT {Place}, COUNT(*), COALESCE(SUM(ships_btf), 0), MAX(updated) FROM kernels GROUP BY {Place};
        """;
}
