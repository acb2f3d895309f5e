namespace Archive.Extractor.Packages;

/// <summary>Decodes a forward-only source, which it does not close. It can be disposed at any point of the stream.</summary>
public abstract class DecoderStream(string member) : ForwardOnlyStream
{
    /// <summary>Name of what is decoded, for errors.</summary>
    public string Member { get; } = member;

    /// <summary>Compressed bytes that the decoder has taken so far.</summary>
    public abstract long Consumed { get; }

    private protected PackageFormatException Malformed(ulong? value, string problem, Exception? inner = null) =>
        new(Member, Consumed, value, problem, inner);
}

/// <summary>A decoder that turns a span of input into a span of output; this class feeds it.</summary>
internal abstract class SpanDecoder(Stream source, string member) : DecoderStream(member)
{
    private readonly byte[] _input = GC.AllocateUninitializedArray<byte>(256 * 1024);
    private int _start;
    private int _end;
    private bool _sourceEnded;
    private bool _finished;
    private long _consumed;

    public sealed override long Consumed => _consumed;

    /// <summary>One call of the decoder. <paramref name="last"/>: no input comes after this one.</summary>
    private protected abstract DecoderStep Decode(ReadOnlySpan<byte> input, Span<byte> output, bool last);

    public sealed override int Read(Span<byte> buffer)
    {
        while (!_finished && !buffer.IsEmpty)
        {
            if (_start == _end && !_sourceEnded)
                Fill();
            var step = Decode(_input.AsSpan(_start, _end - _start), buffer, _sourceEnded);
            _start += step.Consumed;
            _consumed += step.Consumed;
            _finished = step.Finished;
            if (step.Produced > 0)
                return step.Produced;
        }

        return 0;
    }

    private protected PackageFormatException Truncated() => new(Member, Consumed, null, "the compressed data ends too early") { IsOnlyCutOff = true };

    private void Fill()
    {
        _start = 0;
        _end = source.Read(_input);
        _sourceEnded = _end == 0;
    }
}

/// <summary>What one call of a decoder did.</summary>
/// <param name="Finished">The compressed data is at its end, and was whole.</param>
internal readonly record struct DecoderStep(int Consumed, int Produced, bool Finished);
