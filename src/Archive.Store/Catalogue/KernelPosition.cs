using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Archive.Store.Kernels;

namespace Archive.Store.Catalogue;

/// <summary>
/// Where a row stands among those in order of uname, then of sequence; in text <c>SEQUENCE:UNAME</c>. A row that changes moves towards the end of its uname, so whoever
/// goes on from a position misses none.
/// </summary>
public sealed record KernelPosition(string Uname, long Sequence) : IParsable<KernelPosition>
{
    public static KernelPosition Of(KernelRecord record) => new(record.Build.Key.Uname, record.Sequence);

    /// <exception cref="FormatException">It is no position.</exception>
    public static KernelPosition Parse(string s, IFormatProvider? provider = null) =>
        TryParse(s, provider, out var position) ? position : throw new FormatException($"'{s}' is no position; one is SEQUENCE:UNAME");

    public static bool TryParse([NotNullWhen(true)] string? s, IFormatProvider? provider, [MaybeNullWhen(false)] out KernelPosition result)
    {
        var colon = s?.IndexOf(':', StringComparison.Ordinal) ?? -1;
        result = colon > 0 && long.TryParse(s.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out var sequence) ? new KernelPosition(s![(colon + 1)..], sequence) : null;
        return result is not null;
    }

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Sequence}:{Uname}");
}
