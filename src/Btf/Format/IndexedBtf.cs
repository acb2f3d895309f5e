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

    private IndexedBtf(MappedFile file, BtfBlob blob) => (_file, Blob) = (file, blob);

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
            return new(file, Read(file));
        }
        catch
        {
            ((IDisposable)file).Dispose();
            throw;
        }
    }

    private static BtfBlob Read(MappedFile file)
    {
        var rest = (ReadOnlySpan<byte>)file.GetSpan();
        var header = ReadWords(ref rest, HeaderWords);
        if (header[0] != Magic || header[1] != FormatVersion)
            throw new BtfFormatException(Section, 0, header[1], "not an indexed BTF of this version");
        var (length, types, buckets) = (header[2], header[4], header[5]);
        if (rest.Length != 4 * (2L * types + buckets) + length || !System.Numerics.BitOperations.IsPow2(buckets))
            throw new BtfFormatException(Section, 8, length, "the parts do not add up to the file");
        var offsets = MemoryMarshal.Cast<uint, int>(ReadWords(ref rest, (int)types)).ToArray();
        var first = ReadWords(ref rest, (int)buckets);
        var next = ReadWords(ref rest, (int)types);
        return BtfBlob.Indexed(file.Memory[^(int)length..], offsets, first, next, (int)header[3]);
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

    private static uint[] ReadWords(ref ReadOnlySpan<byte> bytes, int count)
    {
        var words = MemoryMarshal.Cast<byte, uint>(bytes[..(4 * count)]).ToArray();
        if (!BitConverter.IsLittleEndian)
            BinaryPrimitives.ReverseEndianness(words, words);
        bytes = bytes[(4 * count)..];
        return words;
    }

    public void Dispose() => ((IDisposable)_file).Dispose();
}
