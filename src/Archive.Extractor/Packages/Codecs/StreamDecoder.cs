using ICSharpCode.SharpZipLib;

namespace Archive.Extractor.Packages;

/// <summary>A decoder that is a <see cref="Stream"/> already (gzip, bzip2, or none at all), with its errors made ours.</summary>
internal sealed class StreamDecoder : DecoderStream
{
    private readonly Stream _decoder;
    private readonly CountingStream _source;

    public StreamDecoder(Stream source, string member, Func<Stream, Stream> open)
        : base(member)
    {
        _source = new CountingStream(source);
        _decoder = Guarded(() => open(_source));
    }

    public override long Consumed => _source.Count;

    public override int Read(Span<byte> buffer)
    {
        try
        {
            return _decoder.Read(buffer);
        }
        catch (Exception problem) when (IsAboutTheInput(problem))
        {
            throw Malformed(null, problem.Message, problem);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _decoder.Dispose();
        base.Dispose(disposing);
    }

    private Stream Guarded(Func<Stream> open)
    {
        try
        {
            return open();
        }
        catch (Exception problem) when (IsAboutTheInput(problem))
        {
            throw Malformed(null, problem.Message, problem);
        }
    }

    // SharpZipLib's bzip2 indexes its tables with what it reads.
    private static bool IsAboutTheInput(Exception problem) =>
        problem is InvalidDataException or SharpZipBaseException or EndOfStreamException or IndexOutOfRangeException;

    private sealed class CountingStream(Stream source) : ForwardOnlyStream
    {
        public long Count { get; private set; }

        public override int Read(Span<byte> buffer)
        {
            var count = source.Read(buffer);
            Count += count;
            return count;
        }
    }
}
