using Archive.Store.Kernels;
using Dapper;

namespace Archive.Store.Catalogue;

/// <summary>
/// A filter as SQL that names only what is given. (<c>@Uname IS NULL OR uname = @Uname</c> would be one text for all, and keep
/// every database from using an index.)
/// </summary>
internal sealed class KernelQuery
{
    /// <summary>Rows that are read at a time in order of the tree.</summary>
    public const int TreePage = 1000;

    private const string TreeOrder = "distro, version, arch, uname, package_name, package_version";
    private readonly KernelFilter _filter;
    private readonly List<string> _conditions = [];

    public KernelQuery(KernelFilter filter)
    {
        _filter = filter;
        Equal("distro", filter.Distro);
        Equal("version", filter.Version);
        Equal("arch", filter.Arch);
        Equal("uname", filter.Uname);
        if (filter.UnamePattern is { } pattern)
            Like(pattern);
    }

    public DynamicParameters Parameters { get; } = new();

    public string InOrderOfChange()
    {
        Equal("outcome", _filter.Outcome?.Text());
        if (_filter.IsGap)
            _conditions.Add("outcome NOT IN ('published', 'conflict', 'withdrawn', 'native')");
        if (_filter.After > 0)
            Add("sequence > @after", "after", _filter.After);
        Parameters.Add("limit", _filter.Limit);
        return $"{KernelSql.Select} {Where} ORDER BY sequence LIMIT @limit";
    }

    /// <param name="last">Only what comes behind it.</param>
    public string PublishedInOrderOfTree(KernelRecord? last)
    {
        if (last is not null)
            AddBehind(last.Build);
        Parameters.Add("limit", TreePage);
        return $"{AllPublishedInOrderOfTree()} LIMIT @limit";
    }

    public string AllPublishedInOrderOfTree()
    {
        _conditions.Add("outcome IN ('published', 'conflict')");
        _conditions.Add("published_at IS NOT NULL");
        return $"{KernelSql.Select} {Where} ORDER BY {TreeOrder}";
    }

    private string Where => _conditions.Count == 0 ? "" : "WHERE " + string.Join(" AND ", _conditions);

    private void AddBehind(KernelBuild build)
    {
        _conditions.Add($"({TreeOrder}) > (@lastDistro, @lastVersion, @lastArch, @lastUname, @lastName, @lastPackageVersion)");
        Parameters.AddDynamicParams(new
        {
            lastDistro = build.Key.Distro,
            lastVersion = build.Key.Version,
            lastArch = build.Key.Arch,
            lastUname = build.Key.Uname,
            lastName = build.PackageName,
            lastPackageVersion = build.PackageVersion,
        });
    }

    private void Equal(string column, string? value)
    {
        if (value is not null)
            Add($"{column} = @{column}", column, value);
    }

    /// <summary>The pattern, and the range that its fixed beginning spans, which an index on uname can be asked for.</summary>
    private void Like(string pattern)
    {
        var start = pattern[..(pattern.IndexOfAny(['*', '?']) is var i and >= 0 ? i : pattern.Length)];
        if (start.Length > 0)
        {
            Add("uname >= @start", "start", start);
            Add("uname < @end", "end", start[..^1] + (char)(start[^1] + 1));
        }
        Add(@"uname LIKE @pattern ESCAPE '\'", "pattern", pattern
            .Replace(@"\", @"\\", StringComparison.Ordinal).Replace("%", @"\%", StringComparison.Ordinal)
            .Replace("_", @"\_", StringComparison.Ordinal).Replace('*', '%').Replace('?', '_'));
    }

    private void Add(string condition, string name, object value)
    {
        _conditions.Add(condition);
        Parameters.Add(name, value is string text ? SqlText.Storable(text) : value);
    }
}
