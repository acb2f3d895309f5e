using System.Text.RegularExpressions;

namespace Archive.Crawler.Sources;

/// <summary>
/// A pattern of a source file, matched against the names of packages. Whether it matches is told in time that grows with the name alone, where the
/// pattern allows: a limit by the clock fails names on a machine that is busy. Only names that match are taken apart into groups, the
/// old way, which is many times faster at that. Patterns that look around themselves go that way at once, with a limit that only a bad one reaches.
/// </summary>
internal sealed class NamePattern
{
    private const RegexOptions Options = RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture;

    private static readonly TimeSpan MatchLimit = TimeSpan.FromSeconds(30);

    private readonly Regex _groups;
    private readonly Lazy<Regex> _test;

    /// <exception cref="ArgumentException">It is no pattern.</exception>
    public NamePattern(string pattern)
    {
        _groups = new Regex(pattern, Options, MatchLimit);
        _test = new Lazy<Regex>(() => WithoutBacktracking(pattern) ?? _groups);
    }

    public bool HasGroup(string name) => _groups.GetGroupNames().Contains(name);

    public bool IsMatch(string name) => _test.Value.IsMatch(name);

    /// <summary>Groups of the name; null where it does not match.</summary>
    public GroupCollection? GroupsOf(string name) => IsMatch(name) ? _groups.Match(name).Groups : null;

    /// <summary>It takes long to make and much room: for patterns that are used, not for all that there are.</summary>
    private static Regex? WithoutBacktracking(string pattern)
    {
        try
        {
            return new Regex(pattern, Options | RegexOptions.NonBacktracking);
        }
        catch (NotSupportedException)
        {
            return null;
        }
    }
}
