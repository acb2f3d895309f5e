using System.Globalization;

namespace Archive.Api.Kernels;

/// <summary>A SHA-256 digest in 32 bytes: as text it takes five times as many.</summary>
public readonly record struct Sha256Digest(UInt128 High, UInt128 Low)
{
    /// <param name="hex">64 hexadecimal digits.</param>
    /// <exception cref="FormatException">It is something else.</exception>
    public static Sha256Digest Parse(string hex) => new(Half(hex.AsSpan(0, hex.Length / 2)), Half(hex.AsSpan(hex.Length / 2)));

    /// <summary>In lower case.</summary>
    public override string ToString() => $"{High:x32}{Low:x32}";

    private static UInt128 Half(ReadOnlySpan<char> hex) => hex.Length == 32
        ? UInt128.Parse(hex, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
        : throw new FormatException($"half of a SHA-256 digest is 32 digits, not the {hex.Length} of '{hex}'");
}
