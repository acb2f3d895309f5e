namespace Archive.Extractor.Packages;

/// <summary>Bytes that were read in order to look at them, and then the rest of the source they came from.</summary>
internal sealed class PrefixedStream(ReadOnlyMemory<byte> prefix, Stream source) : ForwardOnlyStream
{
    private ReadOnlyMemory<byte> _prefix = prefix;

    public override int Read(Span<byte> buffer)
    {
        if (_prefix.IsEmpty)
            return source.Read(buffer);
        var count = Math.Min(buffer.Length, _prefix.Length);
        _prefix.Span[..count].CopyTo(buffer);
        _prefix = _prefix[count..];
        return count;
    }
}
