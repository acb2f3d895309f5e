namespace Archive.Store.Kernels;

/// <summary>Names that may become a path segment: 1 to 200 of <c>A-Z a-z 0-9 . _ + ~ -</c>, not starting with a dot.</summary>
public static class SafeSegment
{
    public const int MaxLength = 200;

    public static bool IsSafe(string? value) =>
        value is { Length: > 0 and <= MaxLength } && value[0] != '.' && value.All(IsAllowed);

    /// <exception cref="ArgumentException">The value is no safe segment.</exception>
    public static string Check(string value, string name) =>
        IsSafe(value) ? value : throw new ArgumentException($"'{value}' cannot be a path segment", name);

    private static bool IsAllowed(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '+' or '~' or '-';
}
