namespace Archive.Crawler.Protocols.Apt;

/// <summary>
/// Paragraphs of fields (deb822(5)): the format of Release, Packages and *.sources files. Field names ignore case; a line that
/// starts with white space continues the field above; comments start with #.
/// </summary>
public static class Deb822
{
    /// <summary>Longest line and paragraph, in characters: an index states them, so it cannot be trusted with them.</summary>
    private const int MaxLine = 1 << 20, MaxParagraph = 64 << 20;

    /// <exception cref="AptFormatException">A line that is no field, or beyond the limits.</exception>
    public static IEnumerable<Dictionary<string, string>> Read(TextReader reader, string name)
    {
        var fields = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        string? last = null;
        var size = 0;
        var number = 0;
        while (reader.ReadLine() is { } line)
        {
            number++;
            if (line.Length > MaxLine || (size += line.Length) > MaxParagraph)
                throw new AptFormatException(name, number, "paragraph too long");
            if (line.StartsWith('#'))
                continue;
            if (string.IsNullOrWhiteSpace(line))
            {
                if (fields.Count > 0)
                    yield return fields;
                (fields, last, size) = (new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase), null, 0);
            }
            else
            {
                last = AddLine(fields, last, line, name, number);
            }
        }
        if (fields.Count > 0)
            yield return fields;
    }

    private static string AddLine(Dictionary<string, string> fields, string? last, string line, string name, int number)
    {
        if (line[0] is ' ' or '\t')
        {
            if (last is null)
                throw new AptFormatException(name, number, "continues no field");
            fields[last] += "\n" + line.Trim();
            return last;
        }
        var colon = line.IndexOf(':', StringComparison.Ordinal);
        if (colon <= 0)
            throw new AptFormatException(name, number, "is no field");
        var field = line[..colon].Trim();
        fields[field] = line[(colon + 1)..].Trim();
        return field;
    }
}

/// <summary>An index is not what the protocol says; the message names file, line and problem.</summary>
public sealed class AptFormatException(string name, int line, string problem) : Exception($"{name}:{line}: {problem}");
