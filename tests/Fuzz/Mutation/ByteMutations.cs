using System.Buffers.Binary;

namespace Fuzz.Mutation;

/// <summary>Mutations that know no format: bits, numbers of every width and order, LEB128, blocks.</summary>
internal static class ByteMutations
{
    public const int MaxBytes = 1 << 16;

    /// <summary>Where off-by-one, sign and overflow live.</summary>
    private static readonly ulong[] Interesting =
    [
        0, 1, 2, 3, 4, 7, 8, 15, 16, 31, 32, 63, 64, 100, 127, 128, 255, 256, 511, 512, 1024, 4096, 0x7fff, 0x8000, 0xffff, 0x1_0000,
        0xf_ffff, 0xff_ffff, 0x100_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_fffe, 0xffff_ffff, 0x1_0000_0000,
        0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000, 0xffff_ffff_0000_0000, 0xffff_ffff_ffff_fff8, 0xffff_ffff_ffff_ffff,
    ];

    /// <summary>One to eight mutations, which may change the length.</summary>
    public static byte[] Apply(byte[] input, byte[] other, Random random)
    {
        var output = input;
        for (var i = 1 << random.Next(4); i > 0; i--)
            output = random.Next(3) == 0 ? Reshape(output, other, random) : Altered(output, random);
        return output.Length <= MaxBytes ? output : output[..MaxBytes];
    }

    /// <summary>One mutation that keeps the length.</summary>
    public static void InPlace(Span<byte> bytes, Random random)
    {
        if (bytes.IsEmpty)
            return;
        var at = random.Next(bytes.Length);
        switch (random.Next(7))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 1:
                bytes[at] = (byte)random.Next(256);
                break;
            case 2:
                bytes[at] += (byte)random.Next(-4, 5);
                break;
            case 3:
                Write(bytes, at, Number(random, (ulong)bytes.Length), random);
                break;
            case 4:
                Add(bytes, at, random);
                break;
            case 5:
                WriteLeb128(bytes[at..], Number(random, (ulong)bytes.Length), random.Next(1, 11));
                break;
            default:
                CopyWithin(bytes, random);
                break;
        }
    }

    /// <summary>An interesting number, or one near a bound, or a small one.</summary>
    public static ulong Number(Random random, ulong bound) => random.Next(4) switch
    {
        0 => bound + (ulong)random.Next(-2, 3),
        1 => (ulong)random.Next(64),
        _ => Interesting[random.Next(Interesting.Length)],
    };

    /// <summary>The bytes with some of them replaced by others, of the same or another length.</summary>
    public static byte[] Replaced(ReadOnlySpan<byte> bytes, int start, int removed, ReadOnlySpan<byte> inserted) =>
        [.. bytes[..start], .. inserted, .. bytes[(start + removed)..]];

    private static byte[] Altered(byte[] input, Random random)
    {
        var output = (byte[])input.Clone();
        InPlace(output, random);
        return output;
    }

    private static byte[] Reshape(byte[] input, byte[] other, Random random)
    {
        var (start, length) = Range(input.Length, random);
        return random.Next(6) switch
        {
            0 => Replaced(input, start, length, []),
            1 => Replaced(input, start, 0, input.AsSpan(start, length)),
            2 => Replaced(input, start, 0, Repeated((byte)random.Next(256), random.Next(1, 33))),
            3 => Replaced(input, start, length, Part(other, random)),
            4 => Replaced(input, start, 0, Part(other, random)),
            _ => input[..random.Next(input.Length + 1)],
        };
    }

    /// <summary>Mostly short: a few bytes change the meaning, many destroy it.</summary>
    private static (int Start, int Length) Range(int length, Random random)
    {
        var start = random.Next(length + 1);
        var longest = random.Next(4) == 0 ? length : 32;
        return (start, random.Next(Math.Min(longest, length - start) + 1));
    }

    private static ReadOnlySpan<byte> Part(byte[] bytes, Random random)
    {
        var (start, length) = Range(bytes.Length, random);
        return bytes.AsSpan(start, length);
    }

    private static byte[] Repeated(byte value, int count)
    {
        var bytes = new byte[count];
        bytes.AsSpan().Fill(value);
        return bytes;
    }

    private static void Write(Span<byte> bytes, int at, ulong value, Random random)
    {
        var width = 1 << random.Next(4);
        // Numbers of most formats are aligned.
        at = random.Next(2) == 0 ? at & -width : at;
        Span<byte> number = stackalloc byte[sizeof(ulong)];
        var bigEndian = random.Next(3) == 0;
        if (bigEndian)
            BinaryPrimitives.WriteUInt64BigEndian(number, value << (64 - 8 * width));
        else
            BinaryPrimitives.WriteUInt64LittleEndian(number, value);
        number[..Math.Min(width, bytes.Length - at)].CopyTo(bytes[at..]);
    }

    private static void Add(Span<byte> bytes, int at, Random random)
    {
        var delta = random.Next(-16, 17);
        at = Math.Min(at & ~3, bytes.Length - sizeof(uint));
        if (at < 0)
            return;
        if (random.Next(3) == 0)
            BinaryPrimitives.WriteUInt32BigEndian(bytes[at..], BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]) + (uint)delta);
        else
            BinaryPrimitives.WriteUInt32LittleEndian(bytes[at..], BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]) + (uint)delta);
    }

    /// <summary>Of exactly so many bytes, padded as an assembler may; cut off where the bytes end.</summary>
    private static void WriteLeb128(Span<byte> bytes, ulong value, int length)
    {
        for (var i = 0; i < Math.Min(length, bytes.Length); i++, value >>= 7)
            bytes[i] = (byte)((value & 0x7f) | (i < length - 1 ? 0x80u : 0));
    }

    private static void CopyWithin(Span<byte> bytes, Random random)
    {
        var (from, length) = Range(bytes.Length, random);
        var to = random.Next(bytes.Length - length + 1);
        bytes.Slice(from, length).CopyTo(bytes[to..]);
    }
}
