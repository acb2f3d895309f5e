using System.Runtime.CompilerServices;
using Btf.Elf;

namespace Archive.Extractor.Dwarf;

/// <summary>
/// A cursor over the bytes of one section or unit. Every read checks its bounds and raises
/// <see cref="DwarfFormatException"/> with the section and the offset in it.
/// </summary>
internal ref struct DwarfReader(ReadOnlySpan<byte> bytes, string section, long origin, EndianReader endian)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private readonly EndianReader _endian = endian;

    /// <summary>Offset in bytes from the start of the span.</summary>
    public int Position;

    public readonly int Length => _bytes.Length;

    public readonly bool AtEnd => Position >= _bytes.Length;

    public readonly ReadOnlySpan<byte> Bytes => _bytes;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void Need(int count)
    {
        if ((uint)count > (uint)(_bytes.Length - Position))
            ThrowCutOff(count);
    }

    private readonly void ThrowCutOff(long count) =>
        throw new DwarfFormatException(section, origin + Position, (ulong)count, "data cut off");

    public readonly DwarfFormatException Error(string problem, ulong? value = null) => new(section, origin + Position, value, problem);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte U8()
    {
        Need(1);
        return _bytes[Position++];
    }

    public ushort U16()
    {
        Need(2);
        var value = _endian.U16(_bytes[Position..]);
        Position += 2;
        return value;
    }

    /// <summary>Three bytes in the image's order (DW_FORM_strx3, DW_FORM_addrx3).</summary>
    public uint U24()
    {
        Need(3);
        var b = _bytes.Slice(Position, 3);
        Position += 3;
        return _endian.LittleEndian
            ? (uint)(b[0] | b[1] << 8 | b[2] << 16)
            : (uint)(b[2] | b[1] << 8 | b[0] << 16);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint U32()
    {
        Need(4);
        var value = _endian.U32(_bytes[Position..]);
        Position += 4;
        return value;
    }

    public ulong U64()
    {
        Need(8);
        var value = _endian.U64(_bytes[Position..]);
        Position += 8;
        return value;
    }

    /// <summary>4 or 8 bytes: an address, or an offset of 32- or 64-bit DWARF.</summary>
    public ulong Word(int size) => size switch
    {
        8 => U64(),
        4 => U32(),
        2 => U16(),
        _ => throw Error("unsupported word size", (ulong)size),
    };

    /// <summary>Unsigned LEB128 (DWARF 5 §7.6); more than 64 bits is malformed.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Uleb()
    {
        if ((uint)Position < (uint)_bytes.Length && _bytes[Position] < 0x80)
            return _bytes[Position++];
        return UlebSlow();
    }

    private ulong UlebSlow()
    {
        ulong value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            var b = U8();
            if (shift < 64)
                value |= (ulong)(b & 0x7f) << shift;
            if (b < 0x80)
                return value;
        }
        throw Error("LEB128 longer than 64 bits");
    }

    /// <summary>Signed LEB128 (DWARF 5 §7.6).</summary>
    public long Sleb()
    {
        long value = 0;
        for (var shift = 0; shift < 70; shift += 7)
        {
            var b = U8();
            if (shift < 64)
                value |= (long)(b & 0x7f) << shift;
            if (b >= 0x80)
                continue;
            if (shift + 7 < 64 && (b & 0x40) != 0)
                value |= -1L << (shift + 7);
            return value;
        }
        throw Error("LEB128 longer than 64 bits");
    }

    /// <summary>Steps over a string and its NUL.</summary>
    public void SkipString()
    {
        var length = _bytes[Math.Min(Position, _bytes.Length)..].IndexOf((byte)0);
        if (length < 0)
            throw Error("string not terminated");
        Position += length + 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Skip(ulong count)
    {
        if (count > (ulong)(_bytes.Length - Position))
            ThrowCutOff((long)count);
        Position += (int)count;
    }

    public ReadOnlySpan<byte> Block(ulong count)
    {
        var start = Position;
        Skip(count);
        return _bytes[start..Position];
    }
}
