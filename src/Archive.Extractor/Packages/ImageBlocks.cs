using Microsoft.Win32.SafeHandles;

namespace Archive.Extractor.Packages;

/// <summary>
/// The xz blocks of a local package that hold a kernel image. Where their headers tell their sizes, as dpkg and <c>xz -T</c>
/// write them (The .xz File Format §3.1), decoding can begin at any of them. Offsets are those of the image.
/// </summary>
internal sealed class ImageBlocks
{
    /// <summary>dpkg's have 24 MiB each.</summary>
    private const int MaxBlocks = 1 << 16;

    private const int StreamHeaderBytes = 12;
    private const byte HasBothSizes = 0xc0;

    /// <summary>A header's size, flags, and two sizes of nine bytes at most (§1.2).</summary>
    private const int LongestStartOfHeader = 20;

    /// <param name="Packed">Where it begins in the package.</param>
    /// <param name="Start">Where its content begins in the image; that of the first block begins before it.</param>
    public readonly record struct Block(long Packed, long PackedEnd, long Start, long End);

    private readonly SafeFileHandle _package;
    private readonly ArMember _data;
    private readonly DecoderOptions _options;
    private readonly ExtractionLimits _limits;
    private readonly byte[] _streamHeader;
    private readonly List<Block> _blocks = [];

    private ImageBlocks(SafeFileHandle package, ArMember data, DecoderOptions options, ExtractionLimits limits, byte[] streamHeader) =>
        (_package, _data, _options, _limits, _streamHeader) = (package, data, options, limits, streamHeader);

    /// <param name="data">Of the package that the file begins with.</param>
    /// <returns>Null where the data is not such an .xz, or its blocks end before the image.</returns>
    public static ImageBlocks? Find(SafeFileHandle package, ArMember data, PackedFile image, ExtractionLimits limits, int threads)
    {
        var header = new byte[StreamHeaderBytes];
        if (RandomAccess.Read(package, header, data.Offset) < header.Length || Codecs.Detect(header) != Codec.Xz)
            return null;
        var options = new DecoderOptions(threads, limits.MaxDecoderBytes) { FirstStreamOnly = true };
        var blocks = new ImageBlocks(package, data, options, limits, header);
        return blocks.Read(image) ? blocks : null;
    }

    /// <summary>The block that holds this byte of the image.</summary>
    public Block BlockOf(long offset) => _blocks.Find(b => offset < b.End);

    /// <summary>Where the image's first blocks end, one for each thread.</summary>
    public long EndOfFirst => _blocks[Math.Min(FirstIndex + _options.Threads, _blocks.Count) - 1].End;

    /// <summary>A whole block lies between these bytes of the image.</summary>
    public bool HaveOneWithin(long start, long end) => _blocks.Exists(b => start <= b.Start && b.End <= end);

    /// <summary>The package's own reader, which decodes it from its beginning, is not to be fed beyond the block that holds the byte before <paramref name="end"/>.</summary>
    public void EndForwardReading(long end) => _data.Content.EndAt(BlockOf(end - 1).PackedEnd - _data.Offset);

    /// <summary>The image from an offset on, up to the end of the block that holds the byte before <paramref name="end"/>.</summary>
    public Stream Open(long offset, long end)
    {
        var first = BlockOf(offset);
        var packed = new PrefixedStream(_streamHeader, new FilePart(_package, first.Packed, BlockOf(end - 1).PackedEnd));
        var content = new ExpansionGuard(Codecs.OpenDecoder(packed, _data.Name, _options), _limits);
        new BoundedStream(content, offset - first.Start, _data.Name).CopyTo(Stream.Null);
        return content;
    }

    /// <summary>Reads on to the end of the block: what was read of it is known to be right when its check was read.</summary>
    /// <param name="position">In the image, of the content.</param>
    /// <exception cref="PackageFormatException">The block is damaged.</exception>
    public void Finish(Stream content, long position)
    {
        new BoundedStream(content, BlockOf(position - 1).End - position, _data.Name).CopyTo(Stream.Null);
        try
        {
            _ = content.ReadByte();
        }
        catch (PackageFormatException end) when (end.IsOnlyCutOff)
        {
            // It was we who cut it off there.
        }
    }

    private int FirstIndex => _blocks.FindIndex(static b => b.End > 0);

    private bool Read(PackedFile image)
    {
        var checkBytes = CheckBytes(_streamHeader[7]);
        var packed = _data.Offset + StreamHeaderBytes;
        for (var start = -image.Offset; start < image.Size; start = _blocks[^1].End, packed = _blocks[^1].PackedEnd)
        {
            if (_blocks.Count == MaxBlocks || ReadHeader(packed) is not var (header, compressed, expanded))
                return false;
            // A block is padded to four bytes before its check.
            var size = header + ((compressed + 3) & ~3L) + checkBytes;
            if (size > _data.Offset + _data.Size - packed || expanded > _limits.MaxExpandedBytes)
                return false;
            _blocks.Add(new Block(packed, packed + size, start, start + expanded));
        }
        return true;
    }

    private (int HeaderBytes, long Compressed, long Expanded)? ReadHeader(long packed)
    {
        Span<byte> start = stackalloc byte[LongestStartOfHeader];
        if (RandomAccess.Read(_package, start, packed) < start.Length || start[0] == 0 || (start[1] & HasBothSizes) != HasBothSizes)
            return null;
        var sizes = start[2..];
        var (compressed, expanded) = (ReadSize(ref sizes), ReadSize(ref sizes));
        return compressed > 0 && expanded > 0 ? ((start[0] + 1) * 4, compressed, expanded) : null;
    }

    /// <summary>Seven bits a byte, the lowest first (§1.2); 0 for what is no such number, or none that a file can have.</summary>
    private static long ReadSize(ref Span<byte> bytes)
    {
        var value = 0L;
        for (var i = 0; i < 8; i++)
        {
            value |= (long)(bytes[i] & 0x7f) << (7 * i);
            if (bytes[i] >= 0x80)
                continue;
            bytes = bytes[(i + 1)..];
            return value;
        }
        return 0;
    }

    /// <summary>§2.1.1.2: none, then three kinds each of 4 bytes, 8, 16, 32 and 64.</summary>
    private static int CheckBytes(byte kind) => (kind & 0xf) == 0 ? 0 : 4 << (((kind & 0xf) - 1) / 3);

    private sealed class FilePart(SafeFileHandle file, long at, long end) : ForwardOnlyStream
    {
        private long _at = at;

        public override int Read(Span<byte> buffer)
        {
            var count = RandomAccess.Read(file, buffer[..(int)Math.Min(buffer.Length, end - _at)], _at);
            _at += count;
            return count;
        }
    }
}
