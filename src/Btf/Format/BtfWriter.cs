using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Btf.Dedup;

namespace Btf.Format;

/// <summary>
/// Writes raw BTF with 16-bit vlen and, unless told otherwise, the 24-byte header, which every reader takes (<c>Documentation/bpf/btf.rst</c>).
/// Types get their ids in the order they are begun, from 1 (or the end of the base) on; a type may refer to a later one.
/// </summary>
public sealed class BtfWriter(bool littleEndian)
{
    private const int BlockBytes = 1 << 16;

    /// <summary>Those that are full; none is ever copied to a larger one.</summary>
    private readonly List<byte[]> _blocks = [];
    private byte[] _block = new byte[BlockBytes];
    private int _used;
    private readonly NamePool _names = new();

    /// <summary>Number of types begun so far; the id of the last one.</summary>
    public int Count { get; private set; }

    /// <summary>24 bytes, or <see cref="BtfHeader.SizeWithLayout"/> with an empty layout section.</summary>
    public int HeaderSize { get; init; } = BtfWire.HeaderSize;

    /// <summary>Offset of a name in the string section; equal names share one. UTF-8, without NUL.</summary>
    public uint AddString(ReadOnlySpan<byte> name) => _names.Intern(name);

    /// <summary>Begins a type: <c>struct btf_type</c>. The words that its kind wants follow by <see cref="Word"/>.</summary>
    /// <exception cref="BtfFormatException">More than 65,535 members: the old encoding cannot hold it.</exception>
    public int Begin(uint name, BtfKind kind, bool flag, int vlen, uint sizeOrType)
    {
        if ((uint)vlen > BtfWire.MaxVlen)
            throw new BtfFormatException("types", TypeBytes, (ulong)vlen, $"{kind} has more members than BTF can hold");
        Word(name);
        Word((uint)vlen | (uint)kind << 24 | (flag ? 1u << 31 : 0));
        Word(sizeOrType);
        return ++Count;
    }

    /// <summary>One more word of the type that was begun last.</summary>
    public void Word(uint value)
    {
        if (_used == BlockBytes)
            BeginBlock();
        var word = _block.AsSpan(_used, sizeof(uint));
        if (littleEndian)
            BinaryPrimitives.WriteUInt32LittleEndian(word, value);
        else
            BinaryPrimitives.WriteUInt32BigEndian(word, value);
        _used += sizeof(uint);
    }

    private int TypeBytes => _blocks.Count * BlockBytes + _used;

    private void BeginBlock()
    {
        _blocks.Add(_block);
        (_block, _used) = (new byte[BlockBytes], 0);
    }

    /// <summary>Header, types and strings.</summary>
    public byte[] ToArray()
    {
        var bytes = new byte[HeaderSize + TypeBytes + _names.Bytes.Length];
        WriteHeader(bytes.AsSpan(0, HeaderSize), TypeBytes, _names.Bytes.Length, littleEndian);
        for (var i = 0; i < _blocks.Count; i++)
            _blocks[i].CopyTo(bytes, HeaderSize + i * BlockBytes);
        _block.AsSpan(0, _used).CopyTo(bytes.AsSpan(HeaderSize + _blocks.Count * BlockBytes));
        _names.Bytes.CopyTo(bytes.AsSpan(HeaderSize + TypeBytes));
        return bytes;
    }

    /// <summary>Header, types that are words already, and strings.</summary>
    internal static byte[] Assemble(ReadOnlySpan<uint> types, ReadOnlySpan<byte> strings, bool littleEndian)
    {
        var bytes = new byte[BtfWire.HeaderSize + types.Length * sizeof(uint) + strings.Length];
        WriteHeader(bytes.AsSpan(0, BtfWire.HeaderSize), types.Length * sizeof(uint), strings.Length, littleEndian);
        var words = MemoryMarshal.Cast<byte, uint>(bytes.AsSpan(BtfWire.HeaderSize, types.Length * sizeof(uint)));
        if (littleEndian == BitConverter.IsLittleEndian)
            types.CopyTo(words);
        else
            BinaryPrimitives.ReverseEndianness(types, words);
        strings.CopyTo(bytes.AsSpan(bytes.Length - strings.Length));
        return bytes;
    }

    private static void WriteHeader(Span<byte> header, int types, int strings, bool littleEndian)
    {
        Span<uint> words = [(uint)header.Length, 0, (uint)types, (uint)types, (uint)strings];
        if (littleEndian)
            BinaryPrimitives.WriteUInt16LittleEndian(header, BtfWire.Magic);
        else
            BinaryPrimitives.WriteUInt16BigEndian(header, BtfWire.Magic);
        header[2] = BtfWire.Version;
        for (var i = 0; i < words.Length; i++)
        {
            var at = header[(4 + 4 * i)..];
            if (littleEndian)
                BinaryPrimitives.WriteUInt32LittleEndian(at, words[i]);
            else
                BinaryPrimitives.WriteUInt32BigEndian(at, words[i]);
        }
    }
}
