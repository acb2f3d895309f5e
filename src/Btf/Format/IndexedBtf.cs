using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Btf.Format;

/// <summary>
/// BTF in a file together with what has to be worked out before types can be looked up: where each record begins, and the table
/// of names. Opening a kernel of 100,000 types so takes the reading of these arrays, a quarter of its size; of the BTF itself,
/// which is mapped, only what is asked for is touched.
/// </summary>
/// <remarks>A private form, to be made again when <see cref="FormatVersion"/> changes; it is trusted, so nobody else may write the file.</remarks>
public sealed class IndexedBtf : IDisposable
{
    public const uint FormatVersion = 1;

    private const string Section = "indexed BTF";
    private const uint Magic = 0x58465442; // "BTFX"
    private const int HeaderWords = 6;

    private readonly MappedFile _file;
    private readonly int[] _offsets;
    private readonly uint[] _first, _next;
    private bool _disposed;

    /// <summary>The arrays are borrowed: a request that asks a hundred kernels needs those of two at a time.</summary>
    private IndexedBtf(MappedFile file)
    {
        _file = file;
        var rest = (ReadOnlySpan<byte>)file.GetSpan();
        var header = MemoryMarshal.Cast<byte, uint>(rest[..(4 * HeaderWords)]);
        if (Word(header[0]) != Magic || Word(header[1]) != FormatVersion)
            throw new BtfFormatException(Section, 0, Word(header[1]), "not an indexed BTF of this version");
        var (length, types, buckets) = (Word(header[2]), Word(header[4]), Word(header[5]));
        rest = rest[(4 * HeaderWords)..];
        if (rest.Length != 4 * (2L * types + buckets) + length || !System.Numerics.BitOperations.IsPow2(buckets))
            throw new BtfFormatException(Section, 8, length, "the parts do not add up to the file");
        _offsets = ArrayPool<int>.Shared.Rent((int)types);
        _first = ArrayPool<uint>.Shared.Rent((int)buckets);
        _next = ArrayPool<uint>.Shared.Rent((int)types);
        ReadWords(ref rest, MemoryMarshal.Cast<int, uint>(_offsets.AsSpan(0, (int)types)));
        ReadWords(ref rest, _first.AsSpan(0, (int)buckets));
        ReadWords(ref rest, _next.AsSpan(0, (int)types));
        Blob = BtfBlob.Indexed(file.Memory[^(int)length..], _offsets, (int)types, blob => new(blob, _first, (int)buckets, _next), (int)Word(header[3]));
    }

    /// <summary>Not to be used after this is disposed.</summary>
    public BtfBlob Blob { get; }

    /// <summary>Index and BTF, as <see cref="Open"/> reads them.</summary>
    /// <param name="blob">BTF that is not split.</param>
    public static void Write(BtfBlob blob, Stream output)
    {
        if (blob.Base is not null)
            throw new ArgumentException("split BTF cannot be indexed without its base", nameof(blob));
        var (types, names) = (blob.TypeCount, blob.NameIndex);
        WriteWords(output, [Magic, FormatVersion, (uint)blob.Bytes.Length, (uint)blob.PointerSize, (uint)types, (uint)names.First.Length]);
        WriteWords(output, MemoryMarshal.Cast<int, uint>(blob.Offsets));
        WriteWords(output, names.First);
        WriteWords(output, names.Next);
        output.Write(blob.Bytes.Span);
    }

    /// <exception cref="BtfFormatException">It is not such a file, or of another version.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static IndexedBtf Open(string path)
    {
        var length = new FileInfo(path).Length;
        if (length is < 4 * HeaderWords or > int.MaxValue)
            throw new BtfFormatException(Section, 0, (ulong)length, "not an indexed BTF: too short or too long");
        var file = new MappedFile(path, (int)length);
        try
        {
            return new IndexedBtf(file);
        }
        catch
        {
            ((IDisposable)file).Dispose();
            throw;
        }
    }

    private static void WriteWords(Stream output, ReadOnlySpan<uint> words)
    {
        if (BitConverter.IsLittleEndian)
        {
            output.Write(MemoryMarshal.AsBytes(words));
            return;
        }
        var swapped = new uint[words.Length];
        BinaryPrimitives.ReverseEndianness(words, swapped);
        output.Write(MemoryMarshal.AsBytes<uint>(swapped));
    }

    private static void ReadWords(ref ReadOnlySpan<byte> bytes, Span<uint> words)
    {
        MemoryMarshal.Cast<byte, uint>(bytes[..(4 * words.Length)]).CopyTo(words);
        if (!BitConverter.IsLittleEndian)
            BinaryPrimitives.ReverseEndianness(words, words);
        bytes = bytes[(4 * words.Length)..];
    }

    private static uint Word(uint stored) => BitConverter.IsLittleEndian ? stored : BinaryPrimitives.ReverseEndianness(stored);

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        ((IDisposable)_file).Dispose();
        ArrayPool<int>.Shared.Return(_offsets);
        ArrayPool<uint>.Shared.Return(_first);
        ArrayPool<uint>.Shared.Return(_next);
    }
}
