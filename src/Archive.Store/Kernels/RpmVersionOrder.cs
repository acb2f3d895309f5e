namespace Archive.Store.Kernels;

/// <summary>
/// Orders versions of RPM packages, <c>[epoch:]version-release</c>, oldest first, by rpm's comparison (rpm: rpmio/rpmvercmp.c): runs of digits
/// and of letters in turn, whatever is between them; <c>~</c> sorts before the end, <c>^</c> after it.
/// </summary>
public sealed class RpmVersionOrder : IComparer<string>
{
    private const int End = 0, Segment = 2;

    public static RpmVersionOrder Instance { get; } = new();

    public int Compare(string? x, string? y) => VersionParts.Compare(new(x), new(y), CompareParts);

    private static int CompareParts(ReadOnlySpan<char> x, ReadOnlySpan<char> y)
    {
        while (true)
        {
            x = TrimSeparators(x);
            y = TrimSeparators(y);
            var weight = Weight(x);
            if (weight != Weight(y))
                return weight - Weight(y);
            if (weight == End)
                return 0;
            var bySegment = weight == Segment ? CompareSegments(ref x, ref y) : Skip(ref x, ref y);
            if (bySegment != 0)
                return bySegment;
        }
    }

    private static int CompareSegments(ref ReadOnlySpan<char> x, ref ReadOnlySpan<char> y)
    {
        var isNumber = char.IsAsciiDigit(x[0]);
        var left = Take(ref x, isNumber);
        var right = Take(ref y, isNumber);
        if (right.IsEmpty)
            return isNumber ? 1 : -1; // Numbers are newer than letters.
        if (!isNumber)
            return left.SequenceCompareTo(right);
        left = left.TrimStart('0');
        right = right.TrimStart('0');
        return left.Length != right.Length ? left.Length - right.Length : left.SequenceCompareTo(right);
    }

    private static int Skip(ref ReadOnlySpan<char> x, ref ReadOnlySpan<char> y)
    {
        x = x[1..];
        y = y[1..];
        return 0;
    }

    private static int Weight(ReadOnlySpan<char> rest) => rest.IsEmpty ? End : rest[0] switch { '~' => End - 1, '^' => End + 1, _ => Segment };

    private static ReadOnlySpan<char> Take(ref ReadOnlySpan<char> rest, bool isNumber)
    {
        var length = 0;
        while (length < rest.Length && (isNumber ? char.IsAsciiDigit(rest[length]) : char.IsAsciiLetter(rest[length])))
            length++;
        var taken = rest[..length];
        rest = rest[length..];
        return taken;
    }

    private static ReadOnlySpan<char> TrimSeparators(ReadOnlySpan<char> text)
    {
        var start = 0;
        while (start < text.Length && !char.IsAsciiLetterOrDigit(text[start]) && text[start] is not ('~' or '^'))
            start++;
        return text[start..];
    }
}
