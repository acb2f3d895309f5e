using System.Security.Cryptography;
using Archive.Store.Kernels;

namespace Archive.Store.Mirrors;

/// <summary>Reads on what is expected to have this length and digest, and fails at the end, or before, where it has not.</summary>
internal sealed class VerifyingStream(Stream source, StoredForm expected, string name) : Stream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private long _read;
    private bool _verified;

    public override int Read(Span<byte> buffer) => Verified(source.Read(buffer), buffer);

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Verified(await source.ReadAsync(buffer, cancellationToken), buffer.Span);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    private int Verified(int read, ReadOnlySpan<byte> buffer)
    {
        _hash.AppendData(buffer[..read]);
        _read += read;
        if (_read > expected.Size)
            throw new MirrorSourceException($"{name} is longer than its {expected.Size} bytes");
        if (read == 0 && !buffer.IsEmpty && !_verified)
            Verify();
        return read;
    }

    private void Verify()
    {
        var digest = Convert.ToHexStringLower(_hash.GetHashAndReset());
        if (_read != expected.Size || digest != expected.Sha256)
            throw new MirrorSourceException($"{name} has {_read} bytes of SHA-256 {digest}; the chain says {expected.Size} of {expected.Sha256}");
        _verified = true;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _hash.Dispose();
            source.Dispose();
        }
        base.Dispose(disposing);
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Flush() => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
