namespace Archive.Store.Kernels;

/// <summary>Names that may become a path segment: 1 to 200 of <c>A-Z a-z 0-9 . _ + ~ -</c>, not starting with a dot.</summary>
public static class SafeSegment
{
    public const int MaxLength = 200;

    public static bool IsSafe(string? value) =>
        value is { Length: <= MaxLength } && HasSafeCharacters(value);

    /// <exception cref="ArgumentException">The value is no safe segment.</exception>
    public static string Check(string value, string name) =>
        IsSafe(value) ? value : throw new ArgumentException($"'{value}' cannot be a path segment", name);

    internal static bool HasSafeCharacters(string value) =>
        value.Length > 0 && value[0] != '.' && value.All(IsAllowed);

    private static bool IsAllowed(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '+' or '~' or '-';
}
