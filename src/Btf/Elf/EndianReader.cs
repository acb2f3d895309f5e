using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Btf.Elf;

/// <summary>Fixed-size reads in the byte order of an image. The caller has checked the bounds.</summary>
public readonly struct EndianReader(bool littleEndian)
{
    public bool LittleEndian { get; } = littleEndian;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ushort U16(ReadOnlySpan<byte> bytes) => LittleEndian
        ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : BinaryPrimitives.ReadUInt16BigEndian(bytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public uint U32(ReadOnlySpan<byte> bytes) => LittleEndian
        ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : BinaryPrimitives.ReadUInt32BigEndian(bytes);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong U64(ReadOnlySpan<byte> bytes) => LittleEndian
        ? BinaryPrimitives.ReadUInt64LittleEndian(bytes) : BinaryPrimitives.ReadUInt64BigEndian(bytes);

    /// <summary>An address or offset of the image's class: 8 bytes or 4.</summary>
    public ulong Word(ReadOnlySpan<byte> bytes, bool is64) => is64 ? U64(bytes) : U32(bytes);
}
