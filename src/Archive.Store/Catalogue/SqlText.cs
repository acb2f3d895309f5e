namespace Archive.Store.Catalogue;

/// <summary>
/// Text that every database can hold. PostgreSQL takes no NUL, and no database takes half a surrogate pair; both come in reasons that
/// quote bad input, and in requests of hostile clients.
/// </summary>
internal static class SqlText
{
    private const char Replacement = '\uFFFD';

    /// <summary>The text with U+FFFD for what cannot be stored; nearly always the text itself.</summary>
    public static string Storable(string text)
    {
        if (text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0 && !text.Contains('\0', StringComparison.Ordinal))
            return text;
        return string.Concat(text.EnumerateRunes()).Replace('\0', Replacement); // Enumeration replaces lone surrogates.
    }
}
