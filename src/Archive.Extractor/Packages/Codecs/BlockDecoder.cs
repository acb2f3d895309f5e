using System.Buffers.Binary;

namespace Archive.Extractor.Packages;

/// <summary>A decoder of a format that is cut into blocks, each of which is decoded whole; this class hands them out.</summary>
internal abstract class BlockDecoder(Stream source, string member) : DecoderStream(member)
{
    /// <summary>No byte of LZ4 or LZO makes more of output: each adds 255 to a length at most.</summary>
    private protected const int MaxExpansion = 255;

    private const int StepBytes = 256 * 1024;
    private byte[] _input = [];
    private byte[] _output = [];
    private int _start;
    private int _end;
    private long _consumed;

    public sealed override long Consumed => _consumed;

    /// <summary>Decodes the next block into what <see cref="Output"/> gives.</summary>
    /// <returns>Bytes of the block; 0 at the end.</returns>
    private protected abstract int NextBlock();

    public sealed override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty)
            return 0;
        if (_start == _end)
            (_start, _end) = (0, NextBlock());
        var count = Math.Min(buffer.Length, _end - _start);
        _output.AsSpan(_start, count).CopyTo(buffer);
        _start += count;
        return count;
    }

    /// <summary>Room for a block of so many bytes; valid until the next one.</summary>
    private protected Span<byte> Output(int length)
    {
        if (_output.Length < length)
            _output = GC.AllocateUninitializedArray<byte>(length);
        return _output.AsSpan(0, length);
    }

    /// <summary>The next bytes of the source, which must have them; valid until the next call.</summary>
    private protected ReadOnlySpan<byte> Take(int length)
    {
        // The length is a claim: room is made as the bytes come.
        for (int filled = 0, goal; filled < length; filled = goal)
        {
            goal = Math.Min(length, Math.Max(StepBytes, 2 * filled));
            if (_input.Length < goal)
                Array.Resize(ref _input, goal);
            if (TryFill(_input.AsSpan(filled..goal)) < goal - filled)
                throw Malformed(null, "the compressed data ends too early");
        }
        return _input.AsSpan(0, length);
    }

    private protected uint TakeUInt32BigEndian() => BinaryPrimitives.ReadUInt32BigEndian(Take(sizeof(uint)));

    private protected ushort TakeUInt16BigEndian() => BinaryPrimitives.ReadUInt16BigEndian(Take(sizeof(ushort)));

    /// <summary>Fills as much as the source still has.</summary>
    private protected int TryFill(Span<byte> bytes)
    {
        var count = source.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        _consumed += count;
        return count;
    }
}
