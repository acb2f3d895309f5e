namespace Archive.Crawler.Http;

/// <summary>
/// Counts what a host sends, and gives up on one that sends next to nothing. Only time spent waiting for it counts: a reader may take
/// as long as it wants between two reads.
/// </summary>
internal sealed class WatchedStream(Stream body, IHostGate gate, TimeProvider clock, TimeSpan patience) : Stream
{
    /// <summary>Less than this in so much waiting is no download: a package of 500 MB would take weeks.</summary>
    private const int MinBytes = 64 << 10;

    private TimeSpan _waited;
    private long _received;

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var started = clock.GetTimestamp();
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(patience - _waited);
        try
        {
            var count = await body.ReadAsync(buffer, limit.Token);
            Count(count, clock.GetElapsedTime(started));
            return count;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw TooSlow();
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            gate.Failed();
            throw;
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) =>
        ReadAsync(buffer.AsMemory(offset, count), CancellationToken.None).AsTask().GetAwaiter().GetResult();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            body.Dispose();
        base.Dispose(disposing);
    }

    private void Count(int count, TimeSpan waited)
    {
        gate.Received(count);
        _received += count;
        _waited += waited;
        if (_received >= MinBytes)
            (_received, _waited) = (0, TimeSpan.Zero);
        else if (_waited >= patience)
            throw TooSlow();
    }

    private HttpIOException TooSlow()
    {
        gate.Failed();
        return new HttpIOException(HttpRequestError.ResponseEnded, $"sends less than {MinBytes >> 10} KiB in {patience.TotalSeconds:0} s");
    }
}
