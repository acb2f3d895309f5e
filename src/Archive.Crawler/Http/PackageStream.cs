using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Polly;

namespace Archive.Crawler.Http;

/// <summary>
/// The body of a package as a stream that goes on where a broken connection left it (Range with If-Range), counts and
/// hashes every byte, and gives out no more than the signed index promised. <see cref="CompleteAsync"/> reads the rest and
/// says whether it is the package.
/// </summary>
/// <param name="size">Bytes; null where no index tells, and the server's word has to do.</param>
/// <param name="checksum">Null where no index tells.</param>
public sealed class PackageStream(HttpClient client, Uri url, long? size, Checksum? checksum, TimeProvider clock, TimeSpan? firstRetryDelay = null) : Stream
{
    /// <summary>Bytes of a package whose size nothing tells.</summary>
    private const long MaxBytes = 16L << 30;

    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly IncrementalHash? _stated = checksum is null || checksum.Algorithm == HashAlgorithmName.SHA256 ? null : IncrementalHash.CreateHash(checksum.Algorithm);
    private long? _size = size;
    private bool _ended;
    private readonly ResiliencePipeline _retrying = Retrying.Pipeline(clock, firstRetryDelay ?? TimeSpan.FromSeconds(2));
    private HttpResponseMessage? _response;
    private Stream? _body;
    private EntityTagHeaderValue? _etag;
    private long _position;

    public Uri Url => url;

    /// <summary>SHA-256 of what was received so far, lower-case hex.</summary>
    public string Sha256 => Convert.ToHexStringLower(_hash.GetCurrentHash());

    /// <summary>Bytes received so far.</summary>
    public long BytesRead => Interlocked.Read(ref _position);

    /// <summary>Connections that were opened, the first included.</summary>
    public int Connections { get; private set; }

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => false;
    public override long Length => _size ?? throw new NotSupportedException();

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException();
    }

    /// <summary>Reads on to the end, without giving the bytes out.</summary>
    /// <exception cref="MirrorException">The mirror gave up, or what came is not the package.</exception>
    public async Task CompleteAsync(CancellationToken cancellation)
    {
        var buffer = new byte[1 << 17];
        while (await ReadAsync(buffer, cancellation) > 0)
        {
        }
        var digest = _stated is null ? Sha256 : Convert.ToHexStringLower(_stated.GetCurrentHash());
        if (checksum is not null && digest != checksum.Hex)
            throw new MirrorException(url, $"has {checksum.Algorithm.Name} {digest}, the signed index says {checksum.Hex}");
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_ended || _position == _size || buffer.IsEmpty)
            return 0;
        try
        {
            var read = await _retrying.ExecuteAsync(static async (state, token) => await state.Stream.ReadOnceAsync(state.Buffer, token), (Stream: this, Buffer: buffer), cancellationToken);
            _hash.AppendData(buffer.Span[..read]);
            _stated?.AppendData(buffer.Span[..read]);
            Interlocked.Add(ref _position, read);
            return read;
        }
        catch (Exception e) when (e is HttpRequestException or HttpIOException or IOException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw new MirrorException(url, $"broke off at byte {_position}{(_size is null ? "" : $" of {_size}")}: {e.Message}", inner: e);
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

    private async Task<int> ReadOnceAsync(Memory<byte> buffer, CancellationToken cancellation)
    {
        try
        {
            _body ??= await OpenAsync(cancellation);
            var wanted = (int)Math.Min(buffer.Length, (_size ?? long.MaxValue) - _position);
            var read = await _body.ReadAsync(buffer[..wanted], cancellation);
            if (read == 0 && _size is not null)
                throw new HttpIOException(HttpRequestError.ResponseEnded, "the connection ended early");
            _ended = read == 0;
            return _position + read <= MaxBytes ? read : throw new MirrorException(url, $"sends more than {MaxBytes} bytes");
        }
        catch
        {
            Disconnect();
            throw;
        }
    }

    private async Task<Stream> OpenAsync(CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (_position > 0)
        {
            request.Headers.Range = new RangeHeaderValue(_position, null);
            if (_etag is { IsWeak: false })
                request.Headers.IfRange = new RangeConditionHeaderValue(_etag);
        }
        Connections++;
        _response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
        Statuses.RequireSuccess(_response, url, clock);
        CheckAnswer(_response);
        _etag = _response.Headers.ETag;
        var body = await _response.Content.ReadAsStreamAsync(cancellation);
        if (_position > 0 && _response.StatusCode != HttpStatusCode.PartialContent)
            await SkipAsync(body, cancellation);
        return body;
    }

    private void CheckAnswer(HttpResponseMessage response)
    {
        var whole = response.StatusCode == HttpStatusCode.PartialContent
            ? response.Content.Headers.ContentRange?.Length
            : response.Content.Headers.ContentLength;
        _size ??= whole;
        if (whole is { } length && length != _size)
            throw new MirrorException(url, $"has {length} bytes, the signed index says {_size}");
        if (response.StatusCode == HttpStatusCode.PartialContent && response.Content.Headers.ContentRange?.From is { } from && from != _position)
            throw new MirrorException(url, $"sends bytes from {from} on, {_position} was asked for");
    }

    /// <summary>The server does not know ranges, or the file changed: the bytes that we have are read again, and the digest decides in the end.</summary>
    private async Task SkipAsync(Stream body, CancellationToken cancellation)
    {
        var buffer = new byte[1 << 17];
        for (var left = _position; left > 0;)
        {
            var read = await body.ReadAsync(buffer.AsMemory(0, (int)Math.Min(left, buffer.Length)), cancellation);
            left -= read > 0 ? read : throw new HttpIOException(HttpRequestError.ResponseEnded, "the connection ended early");
        }
    }

    private void Disconnect()
    {
        _body?.Dispose();
        _response?.Dispose();
        (_body, _response) = (null, null);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Disconnect();
            _hash.Dispose();
            _stated?.Dispose();
        }
        base.Dispose(disposing);
    }
}
