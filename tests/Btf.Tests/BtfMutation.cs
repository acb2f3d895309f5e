using System.Buffers.Binary;
using Btf.Format;

namespace Btf.Tests;

/// <summary>Seeded damage to BTF.</summary>
internal sealed class BtfMutation(int seed)
{
    private readonly Random _random = new(seed);

    /// <summary>One or two words of the type section become others that are near, or small, or wild.</summary>
    public byte[] OfTypes(byte[] original)
    {
        var bytes = original.ToArray();
        var words = (int)BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(12)) / 4;
        for (var i = _random.Next(1, 3); i > 0; i--)
        {
            var word = bytes.AsSpan(BtfWire.HeaderSize + 4 * _random.Next(words));
            BinaryPrimitives.WriteUInt32LittleEndian(word, Other(BinaryPrimitives.ReadUInt32LittleEndian(word)));
        }
        return bytes;
    }

    /// <summary>Up to four bytes anywhere become others, and sometimes the end is cut off.</summary>
    public byte[] Anywhere(byte[] original)
    {
        var length = _random.Next(8) == 0 ? _random.Next(original.Length) : original.Length;
        var bytes = original[..length];
        for (var i = _random.Next(4); i >= 0 && length > 0; i--)
            bytes[_random.Next(length)] = (byte)_random.Next(256);
        return bytes;
    }

    private uint Other(uint word) => _random.Next(5) switch
    {
        0 => word + 1,
        1 => word - 1,
        2 => word ^ 1u << _random.Next(32),
        3 => (uint)_random.Next(32),
        _ => (uint)_random.NextInt64(1L << 32),
    };
}
