using Dapper;

namespace Archive.Store.Catalogue;

/// <summary>
/// Published builds on one side of a uname, nearest first, by the index on unames and no other: a database that took the index on outcomes for the
/// better one would read all that is published. Hence the conditions on expressions, which no index is of.
/// </summary>
internal sealed record NeighbourQuery(string Sql, DynamicParameters Parameters)
{
    public static NeighbourQuery Before(string beginning, string uname, KernelFilter filter) =>
        Of("uname >= @from AND uname < @to", beginning, uname, "uname DESC", filter);

    public static NeighbourQuery Behind(string beginning, string uname, KernelFilter filter) =>
        Of("uname > @from AND uname < @to", uname, beginning[..^1] + (char)(beginning[^1] + 1), "uname", filter);

    private static NeighbourQuery Of(string range, string from, string to, string order, KernelFilter filter)
    {
        var parameters = new DynamicParameters(new { from = SqlText.Storable(from), to = SqlText.Storable(to), limit = filter.Limit });
        var conditions = new List<string> { range, "(outcome || '') = 'published'" };
        foreach (var (column, value) in new[] { ("distro", filter.Distro), ("version", filter.Version), ("arch", filter.Arch) })
        {
            if (value is null)
                continue;
            conditions.Add($"({column} || '') = @{column}");
            parameters.Add(column, SqlText.Storable(value));
        }
        return new NeighbourQuery($"{KernelSql.Select} WHERE {string.Join(" AND ", conditions)} ORDER BY {order} LIMIT @limit", parameters);
    }
}
