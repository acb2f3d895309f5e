using System.Buffers;

namespace Btf.Series;

/// <summary>Numbers as bytes: seven bits each, the lowest first (LEB128); signed ones with the sign in the lowest bit.</summary>
internal sealed class ColumnWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public ReadOnlyMemory<byte> Written => _bytes.WrittenMemory;

    public void Number(uint value)
    {
        var span = _bytes.GetSpan(5);
        var count = 0;
        for (; value >= 0x80; value >>= 7)
            span[count++] = (byte)(value | 0x80);
        span[count++] = (byte)value;
        _bytes.Advance(count);
    }

    public void Signed(int value) => Number((uint)(value << 1) ^ (uint)(value >> 31));

    public void Bytes(ReadOnlySpan<byte> bytes) => _bytes.Write(bytes);

    public void Column(ColumnWriter column)
    {
        Number((uint)column._bytes.WrittenCount);
        Bytes(column._bytes.WrittenSpan);
    }
}

/// <summary>Reads what <see cref="ColumnWriter"/> wrote, by whomever.</summary>
internal sealed class ColumnReader(ReadOnlyMemory<byte> bytes)
{
    private int _at;

    public bool IsAtEnd => _at == bytes.Length;

    /// <exception cref="BtfFormatException">The column ends, or the number is none of 32 bits.</exception>
    public uint Number()
    {
        ulong value = 0;
        for (var shift = 0; shift < 35; shift += 7)
        {
            var next = Take(1)[0];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
                return value <= uint.MaxValue ? (uint)value : throw Malformed("a number of more than 32 bits");
        }
        throw Malformed("a number of more than five bytes");
    }

    public int Signed()
    {
        var value = Number();
        return (int)(value >> 1) ^ -(int)(value & 1);
    }

    /// <summary>A count of things that each take memory.</summary>
    public int Count(int most) => Number() is var count && count <= (uint)most ? (int)count : throw Malformed($"a count above {most}");

    public ReadOnlySpan<byte> Take(int count)
    {
        if (count > bytes.Length - _at)
            throw Malformed("ends too early");
        _at += count;
        return bytes.Span.Slice(_at - count, count);
    }

    /// <summary>Up to a NUL, which is taken and not returned.</summary>
    public ReadOnlySpan<byte> Text()
    {
        var length = bytes.Span[_at..].IndexOf((byte)0);
        return length >= 0 ? Take(length + 1)[..^1] : throw Malformed("a string without an end");
    }

    public ColumnReader Column()
    {
        var length = Count(bytes.Length);
        Take(length);
        return new ColumnReader(bytes.Slice(_at - length, length));
    }

    public BtfFormatException Malformed(string problem) => new("BTF series", _at, null, problem);
}
