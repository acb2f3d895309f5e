namespace Archive.Extractor.Packages;

/// <summary>.xz (on several threads where it has several blocks) and the older .lzma, by the system's liblzma.</summary>
internal sealed class XzDecoder : SpanDecoder
{
    private readonly LzmaHandle _lzma = new();

    private XzDecoder(Stream source, string member)
        : base(source, member)
    {
    }

    public static XzDecoder OpenXz(Stream source, string member, DecoderOptions options) =>
        options.Threads > 1 && Liblzma.HasMultithreadedDecoder
            ? Open(source, member, lzma => Liblzma.StreamDecoderMultithreaded(lzma, Threading(options)))
            : Open(source, member, lzma => Liblzma.StreamDecoder(lzma, (ulong)options.MaxBytes, FlagsOf(options)));

    public static XzDecoder OpenLzma(Stream source, string member, DecoderOptions options) =>
        Open(source, member, lzma => Liblzma.AloneDecoder(lzma, (ulong)options.MaxBytes));

    private static LzmaFlags FlagsOf(DecoderOptions options) =>
        LzmaFlags.TellUnsupportedCheck | (options.FirstStreamOnly ? LzmaFlags.None : LzmaFlags.Concatenated);

    private protected override DecoderStep Decode(ReadOnlySpan<byte> input, Span<byte> output, bool last)
    {
        var action = last ? LzmaAction.Finish : LzmaAction.Run;
        var result = _lzma.Code(input, output, action, out var consumed, out var produced);
        return result switch
        {
            LzmaResult.Ok => new(consumed, produced, Finished: false),
            LzmaResult.StreamEnd => new(consumed, produced, Finished: true),
            // No progress was possible, twice in a row: there is no more input.
            LzmaResult.BufferError => throw Truncated(),
            _ => throw Malformed((ulong)result, Problem(result)),
        };
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _lzma.Dispose();
        base.Dispose(disposing);
    }

    private static XzDecoder Open(Stream source, string member, Func<LzmaHandle, LzmaResult> start)
    {
        _ = Liblzma.HasMultithreadedDecoder; // a missing library is told here, by name
        var decoder = new XzDecoder(source, member);
        var result = start(decoder._lzma);
        if (result == LzmaResult.Ok)
            return decoder;
        decoder.Dispose();
        throw new InvalidOperationException($"liblzma does not start: {result}");
    }

    private static LzmaThreading Threading(DecoderOptions options) => new()
    {
        Flags = FlagsOf(options),
        Threads = (uint)options.Threads,
        MemoryLimitThreading = (ulong)options.MaxBytes,
        MemoryLimitStop = (ulong)options.MaxBytes,
    };

    private static string Problem(LzmaResult result) => result switch
    {
        LzmaResult.FormatError => "not in the .xz format",
        LzmaResult.DataError => "compressed data is corrupt",
        LzmaResult.OptionsError => "compression options that this liblzma does not know",
        LzmaResult.UnsupportedCheck => "an integrity check that this liblzma does not know",
        LzmaResult.MemoryLimit => "decoding needs more memory than is allowed",
        LzmaResult.MemoryError => "not enough memory for decoding",
        _ => $"liblzma answered {result}",
    };
}
