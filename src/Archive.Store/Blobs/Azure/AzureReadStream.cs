using System.Buffers;
using Azure;
using Azure.Storage;
using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;

namespace Archive.Store.Blobs.Azure;

/// <summary>
/// A blob as a seekable stream of which one window is in memory. Each window is a range of its own, whose checksum the service tells, and all are
/// of one version: where the blob was replaced meanwhile, a further window is refused.
/// </summary>
internal sealed class AzureReadStream : Stream
{
    /// <summary>Small enough for a thousand slow readers, large enough for one fast one; the service tells checksums of up to 4 MiB.</summary>
    private const int WindowBytes = 1 << 20;

    private const int Attempts = 4;
    private static readonly DownloadTransferValidationOptions Validation = new() { ChecksumAlgorithm = StorageChecksumAlgorithm.MD5 };

    private readonly string _key;
    private readonly BlobClient _blob;
    private readonly byte[] _window = ArrayPool<byte>.Shared.Rent(WindowBytes);
    private ETag _version;
    private long _length, _windowStart;
    private int _windowLength;
    private bool _isClosed;

    private AzureReadStream(string key, BlobClient blob) => (_key, _blob) = (key, blob);

    public override bool CanRead => !_isClosed;
    public override bool CanSeek => !_isClosed;
    public override bool CanWrite => false;
    public override long Length => _length;
    public override long Position { get; set; }

    /// <summary>The stream, with its first window; null where the blob is absent.</summary>
    public static async Task<Stream?> OpenAsync(string key, BlobClient blob, CancellationToken cancellation)
    {
        var stream = new AzureReadStream(key, blob);
        try
        {
            if (await AzureBlobStore.GuardAsync(key, () => stream.FillFirstAsync(cancellation)))
                return stream;
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
        await stream.DisposeAsync();
        return null;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        if (Position >= _length || buffer.Length == 0)
            return 0;
        if (!IsInWindow(Position))
            await AzureBlobStore.GuardAsync(_key, () => FillAsync(Position, cancellationToken));
        var offset = (int)(Position - _windowStart);
        var count = Math.Min(buffer.Length, _windowLength - offset);
        _window.AsSpan(offset, count).CopyTo(buffer.Span);
        Position += count;
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>For readers that are synchronous by nature (archives, decoders), which run on threads of their own.</summary>
    public override int Read(byte[] buffer, int offset, int count) => ReadAsync(buffer.AsMemory(offset, count)).AsTask().GetAwaiter().GetResult();

    public override long Seek(long offset, SeekOrigin origin) => Position = offset + origin switch
    {
        SeekOrigin.Current => Position,
        SeekOrigin.End => _length,
        _ => 0,
    };

    public override void Flush() { }
    public override void SetLength(long value) => throw new NotSupportedException();
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isClosed)
        {
            _isClosed = true;
            ArrayPool<byte>.Shared.Return(_window);
        }
        base.Dispose(disposing);
    }

    private bool IsInWindow(long position) => position >= _windowStart && position < _windowStart + _windowLength;

    private async Task<bool> FillFirstAsync(CancellationToken cancellation)
    {
        try
        {
            return await AzureBlobStore.AbsentAsNullAsync<object>(async () => await FillAsync(0, cancellation)) is not null;
        }
        catch (RequestFailedException e) when (e.Status == 416)
        {
            return true; // Empty: no range of it can be had.
        }
    }

    /// <summary>The service's checksum is compared by the library; what differs, or ends early, is asked for again.</summary>
    private async Task<bool> FillAsync(long position, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await FillOnceAsync(position, cancellation);
            }
            catch (Exception e) when (attempt < Attempts && (e is IOException or InvalidDataException || IsReplacedBeforeOpened(e)))
            {
                _windowLength = 0;
            }
        }
    }

    /// <summary>The library goes on with a broken answer where it ended; nothing of it was given out yet.</summary>
    private bool IsReplacedBeforeOpened(Exception e) => _version == default && e is RequestFailedException { Status: 412 };

    private async Task<bool> FillOnceAsync(long position, CancellationToken cancellation)
    {
        var options = new BlobDownloadOptions
        {
            Range = new HttpRange(position, WindowBytes),
            Conditions = _version == default ? null : new BlobRequestConditions { IfMatch = _version },
            TransferValidation = Validation,
        };
        using BlobDownloadStreamingResult answer = await _blob.DownloadStreamingAsync(options, cancellation);
        var length = LengthOf(answer.Details);
        var expected = (int)Math.Min(WindowBytes, length - position);
        (_windowStart, _windowLength) = (position, 0);
        var read = await answer.Content.ReadAtLeastAsync(_window.AsMemory(0, expected), expected, throwOnEndOfStream: false, cancellation);
        if (read != expected)
            throw new EndOfStreamException($"{read} bytes came of {expected}");
        (_version, _length, _windowLength) = (answer.Details.ETag, length, read);
        return true;
    }

    /// <summary>From <c>bytes 0-1048575/5000000</c>; of the whole blob where the answer is no range.</summary>
    private static long LengthOf(BlobDownloadDetails details) =>
        details.ContentRange is { } range && long.TryParse(range.AsSpan(range.IndexOf('/') + 1), out var length) ? length : details.ContentLength;
}
