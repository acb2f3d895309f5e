
namespace Archive.Crawler.Sources;

/// <summary>All sources that this program knows: those built in, and those in a folder of the user's, which replace built-in ones of the same id.</summary>
public sealed class SourceFiles
{
    private const string Extension = ".json";
    private readonly SortedDictionary<string, SourceDefinition> _sources = new(StringComparer.OrdinalIgnoreCase);

    /// <param name="folder">Further source files, <c>*.json</c>; null for none.</param>
    /// <exception cref="SourceDefinitionException">A file is no valid definition, or the folder is not there; the message names file and field.</exception>
    public SourceFiles(string? folder = null)
    {
        foreach (var source in BeginReading().GetAwaiter().GetResult())
            _sources[source.Id] = source;
        foreach (var file in Files(folder))
        {
            using var stream = File.OpenRead(file);
            var source = SourceDefinition.Parse(file, stream);
            _sources[source.Id] = source;
        }
    }

    public static IReadOnlyList<string> BuiltInIds { get; } =
        [.. typeof(SourceFiles).Assembly.GetManifestResourceNames()
            .Where(n => n.StartsWith(Prefix, StringComparison.Ordinal) && n.EndsWith(Extension, StringComparison.Ordinal))
            .Select(n => n[Prefix.Length..^Extension.Length]).Order(StringComparer.Ordinal)];

    private static readonly Lazy<Task<SourceDefinition[]>> BuiltIns = new(static () => Task.Run(static () => BuiltInIds.Select(id => BuiltIn(id)!).ToArray()));

    /// <summary>Reads the sources that are built in, which takes a tenth of a second: a program that starts has other things to do meanwhile.</summary>
    public static Task<SourceDefinition[]> BeginReading() => BuiltIns.Value;

    public IReadOnlyCollection<SourceDefinition> All => _sources.Values;

    private static string Prefix => $"{typeof(SourceFiles).Namespace}.";

    /// <summary>The source of this id, or null.</summary>
    public SourceDefinition? Find(string id) => _sources.GetValueOrDefault(id);

    /// <summary>The definition that is built in under this id, or null.</summary>
    public static SourceDefinition? BuiltIn(string id)
    {
        using var stream = typeof(SourceFiles).Assembly.GetManifestResourceStream(Prefix + id + Extension);
        return stream is null ? null : SourceDefinition.Parse(id + Extension, stream);
    }

    private static IEnumerable<string> Files(string? folder)
    {
        if (folder is null)
            return [];
        return Directory.Exists(folder)
            ? Directory.EnumerateFiles(folder, "*" + Extension).Order(StringComparer.Ordinal)
            : throw new SourceDefinitionException(folder, "", "there is no such folder of sources");
    }
}
