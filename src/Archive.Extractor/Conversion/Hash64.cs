using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Archive.Extractor.Conversion;

/// <summary>
/// 64-bit hashing of names and types, by folding 128-bit products (the construction of wyhash). It stands for identity:
/// among the 10^5 distinct types of a kernel two collide with a probability below 10^-9. Zero is kept for "none".
/// </summary>
internal static class Hash64
{
    private const ulong Multiplier = 0x9e37_79b9_7f4a_7c15;

    /// <summary>Not that of <see cref="Mix"/>, which takes it for zero: all that has the name 1 would be one type.</summary>
    private const ulong Spreader = 0xa076_1d64_78bd_642f;

    /// <summary>Modulo 2^64.</summary>
    private const ulong SpreaderInverse = 0x939c_72e4_af1e_62cf;
    private const ulong Secret = 0xd6e8_feb8_6659_fd93;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Mix(ulong a, ulong b)
    {
        var high = Math.BigMul(a ^ Secret, b ^ Multiplier, out var low);
        var hash = high ^ low;
        return hash == 0 ? Multiplier : hash;
    }

    /// <summary>Spreads a number over all bits, one to one; 0 stays 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Spread(ulong value) => value * Spreader;

    /// <summary>The number that <see cref="Spread"/> made this of.</summary>
    public static ulong Unspread(ulong value) => value * SpreaderInverse;

    public static ulong Of(ReadOnlySpan<byte> bytes)
    {
        var hash = (ulong)bytes.Length;
        while (bytes.Length >= 8)
        {
            hash = Mix(hash, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
            bytes = bytes[8..];
        }
        ulong rest = 0;
        for (var i = 0; i < bytes.Length; i++)
            rest |= (ulong)bytes[i] << (8 * i);
        return Mix(hash, rest);
    }
}
