namespace Archive.Store.Catalogue;

/// <summary>
/// How many builds each place has of each outcome, in a table of its own, so that coverage costs the same whatever the catalogue has grown to.
/// Triggers keep it: in the transaction of each change, also of a copy's, of programs that do not know of it (rolling upgrade) and of a person with SQL.
/// </summary>
internal static class CoverageSql
{
    /// <summary>Outcomes that no build has any more keep their row.</summary>
    public const string Select = """
        SELECT distro AS Distro, version AS Version, arch AS Arch, outcome AS Outcome, builds AS Builds, ships_btf AS ShipsBtf, updated AS Updated
        FROM coverage WHERE builds > 0 ORDER BY distro, version, arch, outcome
        """;

    /// <summary>Counts anew, from nothing.</summary>
    public static string Recount { get; } = $"DELETE FROM coverage; {Count("", "kernels")}";

    private const string Key = "distro, version, arch, outcome";

    private static readonly string[] Columns = ["distro", "version", "arch", "outcome", "ships_btf", "updated"];

    /// <summary>The triggers come before the first count: making them waits for those who write, and keeps further ones waiting.</summary>
    public static string Schema(SqlDialect dialect)
    {
        var (added, removed) = (Count("", dialect.Rows(true, Columns)), Count("-", dialect.Rows(false, Columns)));
        return $"""
            CREATE TABLE coverage (
              distro TEXT NOT NULL,
              version TEXT NOT NULL,
              arch TEXT NOT NULL,
              outcome TEXT NOT NULL,
              builds BIGINT NOT NULL,
              ships_btf BIGINT NOT NULL,
              updated BIGINT NOT NULL,
              PRIMARY KEY ({Key})
            );
            {dialect.Trigger("kernels_counted_in", RowChange.Insert, "kernels", added)}
            {dialect.Trigger("kernels_counted_out", RowChange.Delete, "kernels", removed)}
            {dialect.Trigger("kernels_counted_anew", RowChange.Update, "kernels", removed + added)}
            {Count("", "kernels")}
            """;
    }

    /// <summary>Adds the rows to what is counted, or takes them away.</summary>
    /// <param name="sign">Nothing, or a minus.</param>
    private static string Count(string sign, string rows) => $"""
        INSERT INTO coverage ({Key}, builds, ships_btf, updated)
        SELECT {Key}, {sign}COUNT(*), {sign}COALESCE(SUM(ships_btf), 0), MAX(updated) FROM {rows} GROUP BY {Key}
        ON CONFLICT ({Key}) DO UPDATE SET builds = coverage.builds + excluded.builds, ships_btf = coverage.ships_btf + excluded.ships_btf,
          updated = CASE WHEN coverage.updated > excluded.updated THEN coverage.updated ELSE excluded.updated END;
        """;
}
