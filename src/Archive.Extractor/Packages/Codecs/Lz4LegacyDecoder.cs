using System.Buffers.Binary;

namespace Archive.Extractor.Packages;

/// <summary>
/// The legacy frames of LZ4 (<c>lz4_Frame_format.md</c>, "Legacy frame"): the magic 0x184C2102, then blocks, each behind its
/// compressed size in 32 bits of little-endian. Every block but the last holds 8 MiB, and nothing marks the end but that.
/// </summary>
internal sealed class Lz4LegacyDecoder(Stream source, string member, DecoderOptions options) : BlockDecoder(source, member)
{
    private const uint Magic = 0x184C2102;
    private const int BlockBytes = 8 << 20;

    /// <summary>What a block can grow to where it does not compress (<c>LZ4_COMPRESSBOUND</c>).</summary>
    private const int MaxCompressedBytes = BlockBytes + (BlockBytes / 255) + 16;

    private bool _begun;
    private bool _ended;

    private protected override int NextBlock()
    {
        if (_ended || NextSize() is not { } size)
            return 0;
        var produced = DecodeBlock(size);
        _ended = produced < BlockBytes;
        if (_ended && !options.FirstStreamOnly)
            RequireEnd();
        return produced;
    }

    private int? NextSize()
    {
        if (!_begun && BinaryPrimitives.ReadUInt32LittleEndian(Take(4)) != Magic)
            throw Malformed(null, "not a legacy frame of LZ4");
        Span<byte> field = stackalloc byte[4];
        var count = TryFill(field);
        if (count == 0 && _begun)
            return null;
        if (count < field.Length)
            throw Malformed((ulong)count, "the compressed data ends too early");
        var size = BinaryPrimitives.ReadUInt32LittleEndian(field);
        // Behind the last block a kernel has its uncompressed size.
        if (size > MaxCompressedBytes && _begun && options.FirstStreamOnly)
            return null;
        if (size is 0 or > MaxCompressedBytes)
            throw Malformed(size, "a block of LZ4 with an impossible size");
        _begun = true;
        return (int)size;
    }

    private int DecodeBlock(int size)
    {
        var problem = Lz4Block.TryDecode(Take(size), Output((int)Math.Min(BlockBytes, (long)MaxExpansion * size)), out var produced);
        if (problem is not null)
            throw Malformed((ulong)produced, $"lz4: {problem}");
        return produced;
    }

    private void RequireEnd()
    {
        Span<byte> next = stackalloc byte[1];
        if (TryFill(next) > 0)
            throw Malformed(next[0], "there is more behind the last block of LZ4");
    }
}
