using System.Numerics;
using Btf.Compression;

namespace Archive.Extractor.Packages;

/// <summary>.zst, any number of frames, by the system's libzstd.</summary>
internal sealed class ZstdDecoder : SpanDecoder
{
    private readonly ZstdHandle _zstd;
    private readonly bool _firstFrameOnly;
    private bool _betweenFrames;

    public ZstdDecoder(Stream source, string member, DecoderOptions options)
        : base(source, member)
    {
        Libzstd.Require();
        _zstd = new ZstdHandle();
        _firstFrameOnly = options.FirstStreamOnly;
        // The library knows 10 to 31 (30 on 32-bit); a frame that asks for a larger window is refused by it.
        var windowLog = Math.Clamp(BitOperations.Log2((ulong)options.MaxBytes), 10, 30);
        _ = Check(Libzstd.SetParameter(_zstd, Libzstd.WindowLogMax, windowLog));
    }

    private protected override unsafe DecoderStep Decode(ReadOnlySpan<byte> input, Span<byte> output, bool last)
    {
        if (last && input.IsEmpty && _betweenFrames)
            return new(0, 0, Finished: true);
        fixed (byte* from = input, to = output)
        {
            var source = new ZstdBuffer(from, input.Length);
            var target = new ZstdBuffer(to, output.Length);
            var wanted = Check(Libzstd.Decompress(_zstd, ref target, ref source));
            if (last && target.Position == 0)
                throw Truncated();
            _betweenFrames = wanted == 0;
            return new((int)source.Position, (int)target.Position, Finished: _firstFrameOnly && _betweenFrames);
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _zstd.Dispose();
        base.Dispose(disposing);
    }

    private nuint Check(nuint code) =>
        Libzstd.IsError(code) == 0 ? code : throw Malformed(null, $"zstd: {Libzstd.ErrorName(code)}");
}
