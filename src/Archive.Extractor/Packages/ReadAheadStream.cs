using System.Threading.Channels;

namespace Archive.Extractor.Packages;

/// <summary>
/// Reads its source ahead of the consumer into a bounded number of buffers, so that a download goes on while the
/// decoder works and the decoder goes on while the download stalls. After <see cref="Dispose(bool)"/> nothing reads
/// from the source any more, and the source stands wherever the reading ahead had come: it is not closed, and its
/// owner may read on from there.
/// </summary>
public sealed class ReadAheadStream : ForwardOnlyStream
{
    private const int BufferBytes = 256 * 1024;
    private const int Buffers = 32;

    private readonly Channel<Memory<byte>> _filled = Channel.CreateBounded<Memory<byte>>(
        new BoundedChannelOptions(Buffers) { SingleReader = true, SingleWriter = true });

    private readonly CancellationTokenSource _stop = new();
    private readonly Task _reader;
    private Memory<byte> _current;
    private long _bytesRead;

    public ReadAheadStream(Stream source, CancellationToken cancellation) =>
        _reader = Task.Run(() => ReadAll(source, cancellation), CancellationToken.None);

    /// <summary>Bytes taken from the source so far.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    public override int Read(Span<byte> buffer)
    {
        if (buffer.IsEmpty || (_current.IsEmpty && !NextBuffer()))
            return 0;
        var count = Math.Min(buffer.Length, _current.Length);
        _current.Span[..count].CopyTo(buffer);
        _current = _current[count..];
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_stop.IsCancellationRequested)
        {
            _stop.Cancel();
            _reader.ContinueWith(static _ => { }, TaskScheduler.Default).Wait();
            _stop.Dispose();
        }

        base.Dispose(disposing);
    }

    // What stopped the reader, be it an error of the source, is thrown here, to the consumer.
    private bool NextBuffer()
    {
        if (_filled.Reader.TryRead(out _current))
            return true;
        if (!_filled.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
            return false;
        return _filled.Reader.TryRead(out _current);
    }

    // A stop ends the loop between two reads: an HTTP body whose read is cancelled could not be read on.
    private async Task ReadAll(Stream source, CancellationToken cancellation)
    {
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                Memory<byte> buffer = GC.AllocateUninitializedArray<byte>(BufferBytes);
                var count = await source.ReadAtLeastAsync(buffer, BufferBytes / 4, throwOnEndOfStream: false, cancellation);
                Interlocked.Add(ref _bytesRead, count);
                if (count == 0)
                    break;
                await _filled.Writer.WriteAsync(buffer[..count], _stop.Token);
            }

            _filled.Writer.Complete();
        }
        catch (Exception problem)
        {
            _filled.Writer.Complete(problem);
        }
    }
}
