using System.Runtime.InteropServices;
using Btf;
using Btf.Compression;

namespace Archive.Extractor.Packages;

/// <summary>
/// Writes .zst by the system's libzstd. With a window larger than what a decoder takes by default (27: 128 MiB), whoever reads it has
/// to allow it (<c>zstd -d --long=N</c>). Whole only after it is disposed.
/// </summary>
public sealed unsafe class ZstdEncoderStream : Stream
{
    private readonly Stream _target;
    private readonly ZstdEncoderHandle _encoder;
    private readonly byte[] _output = GC.AllocateUninitializedArray<byte>(128 * 1024);
    private long _written;
    private bool _ended;

    /// <param name="target">Not closed.</param>
    /// <param name="size">Bytes that will be written, where known: the frame states it.</param>
    /// <param name="windowLog">Of the window and of long-distance matching; 0 for what the level has.</param>
    /// <exception cref="MissingLibraryException">There is no libzstd.</exception>
    public ZstdEncoderStream(Stream target, int level, long? size = null, int windowLog = 0)
    {
        Libzstd.Require();
        _target = target;
        _encoder = new ZstdEncoderHandle();
        Set(LibzstdEncoder.CompressionLevel, level);
        Set(LibzstdEncoder.ChecksumFlag, 1);
        if (windowLog > 0)
        {
            Set(LibzstdEncoder.WindowLog, windowLog);
            Set(LibzstdEncoder.LongDistanceMatching, 1);
        }
        if (size is { } known)
            Check(LibzstdEncoder.SetPledgedSize(_encoder, (ulong)known));
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        _written += buffer.Length;
        while (!buffer.IsEmpty)
            buffer = buffer[Step(buffer, LibzstdEncoder.Continue, out _)..];
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    /// <summary>Ends the frame.</summary>
    public void End()
    {
        if (_ended)
            return;
        _ended = true;
        nuint left;
        do
            Step([], LibzstdEncoder.EndFrame, out left);
        while (left > 0);
    }

    public override void Flush() => _target.Flush();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            if (!_encoder.IsClosed)
                End();
            _encoder.Dispose();
        }
        base.Dispose(disposing);
    }

    private int Step(ReadOnlySpan<byte> input, int mode, out nuint left)
    {
        fixed (byte* from = input, to = _output)
        {
            var source = new ZstdBuffer(from, input.Length);
            var output = new ZstdBuffer(to, _output.Length);
            left = Check(LibzstdEncoder.Compress(_encoder, &output, &source, mode));
            _target.Write(_output.AsSpan(0, (int)output.Position));
            return (int)source.Position;
        }
    }

    private void Set(int parameter, int value) => Check(LibzstdEncoder.SetParameter(_encoder, parameter, value));

    private static nuint Check(nuint code) =>
        Libzstd.IsError(code) == 0 ? code : throw new InvalidOperationException($"libzstd: {Libzstd.ErrorName(code)}");

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => _written;

    public override long Position { get => _written; set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}

/// <summary>The encoder of libzstd 1.4 and later (<c>zstd.h</c>).</summary>
internal static unsafe partial class LibzstdEncoder
{
    private const string Library = "libzstd.so.1";

    public const int CompressionLevel = 100, WindowLog = 101, LongDistanceMatching = 160, ChecksumFlag = 201; // ZSTD_cParameter
    public const int Continue = 0, EndFrame = 2; // ZSTD_EndDirective

    [LibraryImport(Library, EntryPoint = "ZSTD_createCCtx")]
    public static partial nint Create();

    [LibraryImport(Library, EntryPoint = "ZSTD_freeCCtx")]
    public static partial nuint Free(nint encoder);

    [LibraryImport(Library, EntryPoint = "ZSTD_CCtx_setParameter")]
    public static partial nuint SetParameter(ZstdEncoderHandle encoder, int parameter, int value);

    [LibraryImport(Library, EntryPoint = "ZSTD_CCtx_setPledgedSrcSize")]
    public static partial nuint SetPledgedSize(ZstdEncoderHandle encoder, ulong size);

    [LibraryImport(Library, EntryPoint = "ZSTD_compressStream2")]
    public static partial nuint Compress(ZstdEncoderHandle encoder, ZstdBuffer* output, ZstdBuffer* input, int mode);
}

/// <summary>Owns a <c>ZSTD_CCtx</c>.</summary>
internal sealed class ZstdEncoderHandle : SafeHandle
{
    public ZstdEncoderHandle()
        : base(0, ownsHandle: true) => SetHandle(LibzstdEncoder.Create());

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        _ = LibzstdEncoder.Free(handle);
        return true;
    }
}
