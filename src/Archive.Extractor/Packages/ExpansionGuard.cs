namespace Archive.Extractor.Packages;

/// <summary>Passes a decoder's output on, and refuses to go on where it expands beyond the limits.</summary>
public sealed class ExpansionGuard(DecoderStream decoder, ExtractionLimits limits) : ForwardOnlyStream
{
    private long _expanded;

    /// <summary>Bytes that came out so far, those included that were too many.</summary>
    public long Expanded => _expanded;

    public override int Read(Span<byte> buffer)
    {
        var count = decoder.Read(buffer);
        _expanded += count;
        if (_expanded > limits.MaxExpandedBytes)
            throw Refused($"expands beyond {limits.MaxExpandedBytes} bytes");
        if (_expanded > limits.RatioFreeBytes && _expanded / Math.Max(1, decoder.Consumed) >= limits.MaxExpansionRatio)
            throw Refused($"expands more than {limits.MaxExpansionRatio} times");
        return count;
    }

    private PackageFormatException Refused(string problem) => new(decoder.Member, decoder.Consumed, (ulong)_expanded, problem);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            decoder.Dispose();
        base.Dispose(disposing);
    }
}
