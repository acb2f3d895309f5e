using System.Globalization;

namespace Archive.Api.Kernels;

/// <summary>A SHA-256 digest in 32 bytes: as text it takes five times as many.</summary>
public readonly record struct Sha256Digest(UInt128 High, UInt128 Low)
{
    private const int HalfLength = 32;

    /// <param name="hex">64 hexadecimal digits.</param>
    /// <exception cref="InvalidDataException">It is something else.</exception>
    public static Sha256Digest Parse(string hex) =>
        hex.Length == 2 * HalfLength && TryRead(hex.AsSpan(0, HalfLength), out var high) && TryRead(hex.AsSpan(HalfLength), out var low)
            ? new Sha256Digest(high, low)
            : throw new InvalidDataException($"'{hex}' is no SHA-256 digest");

    /// <summary>In lower case.</summary>
    public override string ToString() => $"{High:x32}{Low:x32}";

    private static bool TryRead(ReadOnlySpan<char> hex, out UInt128 value) => UInt128.TryParse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out value);
}
