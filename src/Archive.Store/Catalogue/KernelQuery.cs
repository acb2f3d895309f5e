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
    private readonly bool _hidesColumns;

    public KernelQuery(KernelFilter filter)
        : this(filter, hidesColumns: false)
    {
    }

    private KernelQuery(KernelFilter filter, bool hidesColumns)
    {
        (_filter, _hidesColumns) = (filter, hidesColumns);
        Equal("distro", filter.Distro);
        Equal("version", filter.Version);
        Equal("arch", filter.Arch);
        if (filter.Uname is { } uname)
            Add("uname = @uname", "uname", uname);
        if (filter.UnamePattern is { } pattern)
            Like(pattern);
    }

    public DynamicParameters Parameters { get; } = new();

    /// <summary>A page in order of change; where unames have a pattern, in order of uname and then of change.</summary>
    public static (string Sql, DynamicParameters Parameters) Page(KernelFilter filter)
    {
        var isByUname = filter.UnamePattern is not null;
        var query = new KernelQuery(filter, hidesColumns: isByUname && filter is not { Distro: not null, Version: not null, Arch: not null });
        return (isByUname ? query.InOrderOfUname() : query.InOrderOfChange(), query.Parameters);
    }

    private string InOrderOfChange()
    {
        if (_filter.After > 0)
            Add("sequence > @after", "after", _filter.After);
        return $"{KernelSql.Select} {PageWhere()} ORDER BY sequence LIMIT @limit";
    }

    /// <summary>
    /// By <c>kernels_by_pattern</c>, which has the order and every column of the conditions, so that rows are read for the page alone. A database that took the
    /// index on distros or outcomes instead would read and sort all that they have: hence conditions on expressions, which no index is of. (For one place
    /// the key has the unames in order.)
    /// </summary>
    private string InOrderOfUname()
    {
        if (_filter.After > 0)
            Add("(sequence + 0) > @after", "after", _filter.After);
        if (_filter.Behind is { } last)
            AddBehind(last);
        return $"""
            {KernelSql.Select} WHERE sequence IN (SELECT sequence FROM kernels {PageWhere()} ORDER BY uname, sequence LIMIT @limit)
            ORDER BY uname, sequence
            """;
    }

    private string PageWhere()
    {
        Equal("outcome", _filter.Outcome?.Text());
        if (_filter.IsGap)
            _conditions.Add("outcome NOT IN ('published', 'conflict', 'withdrawn', 'native')");
        Parameters.Add("limit", _filter.Limit);
        return Where;
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

    private void AddBehind(KernelPosition last)
    {
        Add("(uname, sequence) > (@behind, @behindSequence)", "behind", last.Uname);
        Parameters.Add("behindSequence", last.Sequence);
    }

    private void Equal(string column, string? value)
    {
        if (value is not null)
            Add($"{(_hidesColumns ? $"({column} || '')" : column)} = @{column}", column, value);
    }

    /// <summary>The pattern, and the range that its fixed beginning spans, or what is left of it behind a page: an index on uname can be asked for that.</summary>
    private void Like(string pattern)
    {
        var start = pattern[..(pattern.IndexOfAny(['*', '?']) is var i and >= 0 ? i : pattern.Length)];
        if ((_filter.Behind?.Uname ?? start) is { Length: > 0 } from)
            Add("uname >= @start", "start", from);
        if (start.Length > 0)
            Add("uname < @end", "end", start[..^1] + (char)(start[^1] + 1));
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
