using Btf;
using ICSharpCode.SharpZipLib.BZip2;
using ICSharpCode.SharpZipLib.GZip;

namespace Archive.Extractor.Packages;

/// <summary>How a member of a package is compressed.</summary>
public enum Codec
{
    None,
    Xz,
    Lzma,
    Zstd,
    Gzip,
    Bzip2,

    /// <summary>The legacy frames of <c>lz4 -l</c>, which are what kernels are compressed to.</summary>
    Lz4,

    /// <summary>The container of <c>lzop</c>.</summary>
    Lzop,
}

/// <summary>What a decoder may use.</summary>
/// <param name="Threads">Threads, at least 1; only xz has a use for more.</param>
/// <param name="MaxBytes">Memory for its dictionary, and for xz what the threads may use together.</param>
public sealed record DecoderOptions(int Threads, long MaxBytes)
{
    /// <summary>
    /// The first compressed stream is all there is: whatever follows it is not looked at. For payloads inside something
    /// larger, whose end is only known from the stream itself.
    /// </summary>
    public bool FirstStreamOnly { get; init; }

    public static DecoderOptions Default { get; } = new(Environment.ProcessorCount, ExtractionLimits.Default.MaxDecoderBytes);
}

/// <summary>
/// The seam behind which the codecs stand: a package names none of them, it asks for a decoder of whatever the
/// bytes begin with. Another implementation of a codec is slotted in here.
/// </summary>
public static class Codecs
{
    /// <summary>Bytes that <see cref="Detect"/> wants to see.</summary>
    public const int MagicBytes = 6;

    /// <summary>The codec that a stream with these first bytes was made by; <see cref="Codec.None"/> where no magic is known.</summary>
    public static Codec Detect(ReadOnlySpan<byte> start) => start switch
    {
        [0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, ..] => Codec.Xz,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Codec.Zstd,
        [0x1f, 0x8b, ..] => Codec.Gzip,
        [(byte)'B', (byte)'Z', (byte)'h', >= (byte)'1' and <= (byte)'9', ..] => Codec.Bzip2,
        // .lzma has no magic: its properties lc=3 lp=0 pb=2 and a dictionary that is a multiple of 64 KiB are what xz and dpkg write.
        [0x5d, 0, 0, ..] => Codec.Lzma,
        [0x02, 0x21, 0x4c, 0x18, ..] => Codec.Lz4,
        [0x89, (byte)'L', (byte)'Z', (byte)'O', 0, 0x0d, ..] => Codec.Lzop,
        _ => Codec.None,
    };

    /// <summary>A decoder of <paramref name="source"/>, which it does not close.</summary>
    /// <param name="member">What the source is, for errors.</param>
    /// <exception cref="PackageFormatException">The first bytes are not those of a compressed stream that its magic promises.</exception>
    /// <exception cref="MissingLibraryException">The codec's library is not installed.</exception>
    public static DecoderStream OpenDecoder(Stream source, string member, DecoderOptions options)
    {
        var start = new byte[MagicBytes];
        var whole = new PrefixedStream(start.AsMemory(0, source.ReadAtLeast(start, MagicBytes, throwOnEndOfStream: false)), source);
        return Detect(start) switch
        {
            Codec.Xz => XzDecoder.OpenXz(whole, member, options),
            Codec.Lzma => XzDecoder.OpenLzma(whole, member, options),
            Codec.Zstd => new ZstdDecoder(whole, member, options),
            // The framework's GZipStream takes a missing trailer for the end.
            Codec.Gzip => new StreamDecoder(whole, member, static s => new GZipInputStream(s) { IsStreamOwner = false }),
            Codec.Lz4 => new Lz4LegacyDecoder(whole, member, options),
            Codec.Lzop => new LzopDecoder(whole, member),
            Codec.Bzip2 => new StreamDecoder(whole, member, static s => new BZip2InputStream(s) { IsStreamOwner = false }),
            _ => new StreamDecoder(whole, member, static s => s),
        };
    }

    /// <summary>Compresses to .xz. The same bytes come out for any number of threads.</summary>
    /// <param name="preset">0 to 9.</param>
    public static byte[] EncodeXz(ReadOnlySpan<byte> data, int preset, int blockBytes, int threads)
    {
        using var target = new MemoryStream();
        using var encoder = new XzEncoder(target, (uint)preset, blockBytes, threads);
        encoder.Write(data);
        encoder.Finish();
        return target.ToArray();
    }
}
