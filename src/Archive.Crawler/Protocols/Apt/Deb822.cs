using System.Text;

namespace Archive.Crawler.Protocols.Apt;

/// <summary>
/// Paragraphs of fields (deb822(5)): the format of Release, Packages and *.sources files. Field names ignore case; a line that
/// starts with white space continues the field above; comments start with #.
/// </summary>
public static class Deb822
{
    /// <summary>Longest line and paragraph, in characters: nothing else bounds what a text may claim of memory.</summary>
    private const int MaxLine = 1 << 20, MaxParagraph = 64 << 20;

    /// <param name="wanted">Whether a paragraph that begins with this line is of interest; what is not is passed over as text. Null for all.</param>
    /// <exception cref="AptFormatException">A line that is no field, or beyond the limits.</exception>
    public static IEnumerable<Dictionary<string, string>> Read(TextReader reader, string name, Func<string, bool>? wanted = null)
    {
        var paragraph = new Paragraph(name);
        var isSkipped = false;
        var size = 0;
        var lines = new BoundedLines(reader, name, MaxLine);
        while (lines.TryRead(out var line))
        {
            if ((size += line.Length) > MaxParagraph)
                throw new AptFormatException(name, lines.Count, "paragraph too long");
            if (line.StartsWith('#'))
                continue;
            if (!line.IsWhiteSpace())
            {
                isSkipped |= size == line.Length && wanted?.Invoke(line.ToString()) == false;
                if (!isSkipped)
                    paragraph.Add(line, lines.Count);
                continue;
            }
            if (paragraph.End() is { Count: > 0 } fields)
                yield return fields;
            (paragraph, size, isSkipped) = (new Paragraph(name), 0, false);
        }
        if (paragraph.End() is { Count: > 0 } rest)
            yield return rest;
    }

    /// <summary>Fields as they come. The last one's value grows line by line: that of a Release has thousands.</summary>
    private sealed class Paragraph(string name)
    {
        private readonly Dictionary<string, string> _fields = new(StringComparer.OrdinalIgnoreCase);
        private readonly StringBuilder _value = new();
        private string? _field;

        public void Add(ReadOnlySpan<char> line, int number)
        {
            if (line[0] is ' ' or '\t')
            {
                if (_field is null)
                    throw new AptFormatException(name, number, "continues no field");
                _value.Append('\n').Append(line.Trim());
                return;
            }
            var colon = line.IndexOf(':');
            if (colon <= 0)
                throw new AptFormatException(name, number, "is no field");
            EndField();
            _field = line[..colon].Trim().ToString();
            _value.Append(line[(colon + 1)..].Trim());
        }

        public Dictionary<string, string> End()
        {
            EndField();
            return _fields;
        }

        private void EndField()
        {
            if (_field is not null)
                _fields[_field] = _value.ToString();
            _value.Clear();
        }
    }
}

/// <summary>An index is not what the protocol says; the message names file, line and problem.</summary>
public sealed class AptFormatException(string name, int line, string problem) : IndexFormatException($"{name}:{line}: {problem}");
