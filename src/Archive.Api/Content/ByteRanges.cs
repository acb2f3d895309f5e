using System.Globalization;

namespace Archive.Api.Content;

/// <summary>Bytes <paramref name="First"/> to <paramref name="Last"/>, both included.</summary>
internal readonly record struct ByteRange(long First, long Last)
{
    public long Length => Last - First + 1;

    public string Header(long size) => string.Create(CultureInfo.InvariantCulture, $"bytes {First}-{Last}/{size}");
}

/// <summary>
/// The <c>Range</c> header (RFC 9110 §14). A header that is malformed, in another unit, or that asks for more pieces than is
/// reasonable is ignored, which sends the whole: the standard leaves that to the server, and §17.15 warns of many small pieces.
/// </summary>
internal static class ByteRanges
{
    private const int MaxPieces = 16;
    private const string Unit = "bytes=";

    /// <returns>Null to ignore the header; none where no piece can be satisfied; else the pieces in the order asked for.</returns>
    public static IReadOnlyList<ByteRange>? Parse(string? header, long size)
    {
        if (header is null || !header.StartsWith(Unit, StringComparison.OrdinalIgnoreCase))
            return null;
        var pieces = header[Unit.Length..].Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (pieces.Length is 0 or > MaxPieces)
            return null;
        var ranges = new List<ByteRange>();
        foreach (var piece in pieces)
        {
            if (!TryParse(piece, size, out var range))
                return null;
            if (range is { } satisfiable)
                ranges.Add(satisfiable);
        }
        return ranges.Sum(r => (decimal)r.Length) > size ? null : ranges;
    }

    /// <summary>False for a malformed piece; <paramref name="range"/> is null for one that lies beyond the end.</summary>
    private static bool TryParse(string piece, long size, out ByteRange? range)
    {
        range = null;
        var dash = piece.IndexOf('-', StringComparison.Ordinal);
        if (dash < 0 || !TryNumber(piece[..dash], out var first) || !TryNumber(piece[(dash + 1)..], out var last))
            return false;
        if (first is null && last is null || last < first)
            return false;
        if (first is null)
            range = last == 0 || size == 0 ? null : new ByteRange(Math.Max(0, size - last!.Value), size - 1);
        else if (first < size)
            range = new ByteRange(first.Value, Math.Min(last ?? long.MaxValue, size - 1));
        return true;
    }

    /// <summary>True for nothing (null) and for a number; one that is too large for any file counts as the largest.</summary>
    private static bool TryNumber(string text, out long? number)
    {
        number = null;
        if (text.Length == 0)
            return true;
        if (!text.All(char.IsAsciiDigit))
            return false;
        number = long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : long.MaxValue;
        return true;
    }
}
