namespace Archive.Store.Kernels;

/// <summary>
/// Orders package versions, oldest first, by deb-version(7): an epoch, then runs of text and of digits in turn, where
/// <c>~</c> sorts before the end and letters before other signs.
/// (rpm orders otherwise: <see cref="RpmVersionOrder"/>.)
/// </summary>
public sealed class PackageVersionOrder : IComparer<string>
{
    public static PackageVersionOrder Instance { get; } = new();

    /// <summary>The order of a distro's package versions.</summary>
    /// <param name="distro">Canonical.</param>
    public static IComparer<string> Of(string distro) => distro is "debian" or "ubuntu" ? Instance : RpmVersionOrder.Instance;

    public int Compare(string? x, string? y) => VersionParts.Compare(new(x), new(y), CompareRuns);

    private static int CompareRuns(ReadOnlySpan<char> x, ReadOnlySpan<char> y)
    {
        while (!x.IsEmpty || !y.IsEmpty)
        {
            var byText = CompareText(TakeText(ref x), TakeText(ref y));
            if (byText != 0)
                return byText;
            var byNumber = CompareNumbers(TakeDigits(ref x), TakeDigits(ref y));
            if (byNumber != 0)
                return byNumber;
        }
        return 0;
    }

    private static int CompareText(ReadOnlySpan<char> x, ReadOnlySpan<char> y)
    {
        for (var i = 0; i < Math.Max(x.Length, y.Length); i++)
        {
            var difference = Weight(x, i) - Weight(y, i);
            if (difference != 0)
                return difference;
        }
        return 0;
    }

    private static int Weight(ReadOnlySpan<char> text, int index)
    {
        if (index >= text.Length)
            return 0;
        var c = text[index];
        return c == '~' ? -1 : char.IsAsciiLetter(c) ? c : c + char.MaxValue;
    }

    private static int CompareNumbers(ReadOnlySpan<char> x, ReadOnlySpan<char> y)
    {
        x = x.TrimStart('0');
        y = y.TrimStart('0');
        return x.Length != y.Length ? x.Length - y.Length : x.SequenceCompareTo(y);
    }

    private static ReadOnlySpan<char> TakeText(ref ReadOnlySpan<char> rest) => Take(ref rest, rest.IndexOfAnyInRange('0', '9'));

    private static ReadOnlySpan<char> TakeDigits(ref ReadOnlySpan<char> rest) => Take(ref rest, rest.IndexOfAnyExceptInRange('0', '9'));

    private static ReadOnlySpan<char> Take(ref ReadOnlySpan<char> rest, int length)
    {
        var taken = length < 0 ? rest : rest[..length];
        rest = rest[taken.Length..];
        return taken;
    }
}
