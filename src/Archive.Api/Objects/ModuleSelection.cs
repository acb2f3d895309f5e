using Archive.Store.Kernels;

namespace Archive.Api.Objects;

/// <summary>Modules whose types count beside the kernel's: some by name, or all that were archived.</summary>
public sealed class ModuleSelection
{
    /// <summary>The kernel's own types alone.</summary>
    public static ModuleSelection None { get; } = new([]);

    private const string All = "all";
    private const int MaxNames = 256;

    private readonly HashSet<string> _names;

    private ModuleSelection(IEnumerable<string> names) => _names = [.. names.Select(Normalized)];

    public bool IsEmpty => _names.Count == 0;

    /// <summary>From the query's <c>modules</c>: names with commas between, or all.</summary>
    /// <exception cref="BadHttpRequestException">A name that no module has, or too many.</exception>
    public static ModuleSelection Parse(IQueryCollection query)
    {
        var names = query["modules"].SelectMany(value => (value ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)).ToList();
        if (names.Count > MaxNames)
            throw new BadHttpRequestException($"modules has {names.Count} names; {MaxNames} are the most, or '{All}'.");
        return names.Find(name => !SafeSegment.IsSafe(name)) is { } bad
            ? throw new BadHttpRequestException($"modules: '{bad}' is no module.")
            : new ModuleSelection(names);
    }

    /// <summary>The kernel takes <c>-</c> and <c>_</c> in a module's name for the same.</summary>
    public bool Contains(string module) => _names.Contains(All) || _names.Contains(Normalized(module));

    private static string Normalized(string name) => name.Replace('-', '_');
}
