using System.Buffers;
using System.IO.Pipelines;

namespace Archive.Api.Content;

/// <summary>Takes synchronous writes into a pipe's buffers; whoever writes has to flush the pipe, asynchronously, now and then.</summary>
internal sealed class PipeStream(PipeWriter writer) : Stream
{
    public override void Write(ReadOnlySpan<byte> buffer) => writer.Write(buffer);

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush()
    {
        // The pipe is flushed by who owns it.
    }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
