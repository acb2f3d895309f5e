namespace Archive.Crawler.Protocols.Apt;

/// <summary>Lines of a text that cannot be trusted: <see cref="TextReader.ReadLine"/> would hold one of any length, and copies each.</summary>
/// <param name="name">Of the text, for errors.</param>
/// <param name="maxLength">Characters that a line may have.</param>
internal sealed class BoundedLines(TextReader reader, string name, int maxLength)
{
    private char[] _buffer = new char[1 << 14];
    private int _start;
    private int _end;

    /// <summary>Lines given out so far.</summary>
    public int Count { get; private set; }

    /// <param name="line">Without its end; good until the next one is read.</param>
    /// <returns>False behind the last line.</returns>
    /// <exception cref="AptFormatException">The line is too long.</exception>
    public bool TryRead(out ReadOnlySpan<char> line)
    {
        int length;
        while ((length = Rest.IndexOf('\n')) < 0 && Fill())
        {
        }
        var isLast = length < 0;
        line = isLast ? Rest : Rest[..length];
        _start += isLast ? line.Length : length + 1;
        Count++;
        if (line.Length > maxLength)
            throw new AptFormatException(name, Count, $"has more than {maxLength} characters");
        line = line.TrimEnd('\r');
        return !isLast || !line.IsEmpty;
    }

    private ReadOnlySpan<char> Rest => _buffer.AsSpan(_start, _end - _start);

    /// <returns>False at the end of the text, and where the line is too long as it is.</returns>
    private bool Fill()
    {
        if (Rest.Length > maxLength)
            return false;
        Rest.CopyTo(_buffer);
        (_start, _end) = (0, Rest.Length);
        if (_end == _buffer.Length)
            Array.Resize(ref _buffer, _buffer.Length * 2);
        var count = reader.Read(_buffer, _end, _buffer.Length - _end);
        _end += count;
        return count > 0;
    }
}
