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

    /// <summary>Modulo 2^64.</summary>
    private const ulong MultiplierInverse = 0xf1de_83e1_9937_733d;
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
    public static ulong Spread(ulong value) => value * Multiplier;

    /// <summary>The number that <see cref="Spread"/> made this of.</summary>
    public static ulong Unspread(ulong value) => value * MultiplierInverse;

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
