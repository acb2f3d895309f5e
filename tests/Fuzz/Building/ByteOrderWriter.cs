using System.Text;

namespace Fuzz.Building;

/// <summary>Collects the bytes of a section, in the byte order of its image.</summary>
internal sealed class ByteOrderWriter(bool bigEndian)
{
    private readonly List<byte> _bytes = [];

    public int Length => _bytes.Count;

    public byte[] ToArray() => [.. _bytes];

    public void Raw(ReadOnlySpan<byte> bytes) => _bytes.AddRange(bytes);

    public void Text(string text) => Raw([.. Encoding.UTF8.GetBytes(text), 0]);

    /// <summary>A number of 1 to 8 bytes.</summary>
    public void Number(ulong value, int size)
    {
        Span<byte> bytes = stackalloc byte[sizeof(ulong)];
        Put(bytes[..size], value, bigEndian);
        Raw(bytes[..size]);
    }

    public void Uleb(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            _bytes.Add((byte)(value | 0x80));
        _bytes.Add((byte)value);
    }

    public void Sleb(long value)
    {
        while (value is < -64 or > 63)
        {
            _bytes.Add((byte)(value | 0x80));
            value >>= 7;
        }
        _bytes.Add((byte)(value & 0x7f));
    }

    /// <summary>Overwrites a number that was written as a place-holder.</summary>
    public void Patch(int at, ulong value, int size) => Put(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_bytes).Slice(at, size), value, bigEndian);

    private static void Put(Span<byte> into, ulong value, bool bigEndian)
    {
        for (var i = 0; i < into.Length; i++)
            into[bigEndian ? into.Length - 1 - i : i] = (byte)(i < sizeof(ulong) ? value >> (8 * i) : 0);
    }
}
