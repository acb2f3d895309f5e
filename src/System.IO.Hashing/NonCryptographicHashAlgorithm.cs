namespace System.IO.Hashing;

/// <summary>A checksum over bytes that are appended, with the public surface of the framework's class of this name.</summary>
public abstract class NonCryptographicHashAlgorithm
{
    private const int CopyBufferSize = 64 * 1024;

    /// <param name="hashLengthInBytes">1 or more.</param>
    protected NonCryptographicHashAlgorithm(int hashLengthInBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(hashLengthInBytes, 1);
        HashLengthInBytes = hashLengthInBytes;
    }

    public int HashLengthInBytes { get; }

    public abstract void Append(ReadOnlySpan<byte> source);

    public abstract void Reset();

    protected abstract void GetCurrentHashCore(Span<byte> destination);

    protected virtual void GetHashAndResetCore(Span<byte> destination)
    {
        GetCurrentHashCore(destination);
        Reset();
    }

    public void Append(byte[] source)
    {
        ArgumentNullException.ThrowIfNull(source);
        Append(source.AsSpan());
    }

    public void Append(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var buffer = new byte[CopyBufferSize];
        for (int read; (read = stream.Read(buffer)) > 0;)
            Append(buffer.AsSpan(0, read));
    }

    public async Task AppendAsync(Stream stream, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stream);
        var buffer = new byte[CopyBufferSize];
        for (int read; (read = await stream.ReadAsync(buffer, cancellationToken)) > 0;)
            Append(buffer.AsSpan(0, read));
    }

    public byte[] GetCurrentHash() => Filled(GetCurrentHashCore);

    public byte[] GetHashAndReset() => Filled(GetHashAndResetCore);

    public bool TryGetCurrentHash(Span<byte> destination, out int bytesWritten) => TryFill(destination, GetCurrentHashCore, out bytesWritten);

    public bool TryGetHashAndReset(Span<byte> destination, out int bytesWritten) => TryFill(destination, GetHashAndResetCore, out bytesWritten);

    public int GetCurrentHash(Span<byte> destination) => Fill(destination, GetCurrentHashCore);

    public int GetHashAndReset(Span<byte> destination) => Fill(destination, GetHashAndResetCore);

    private byte[] Filled(Action<Span<byte>> fill)
    {
        var hash = new byte[HashLengthInBytes];
        fill(hash);
        return hash;
    }

    private bool TryFill(Span<byte> destination, Action<Span<byte>> fill, out int written)
    {
        written = destination.Length < HashLengthInBytes ? 0 : HashLengthInBytes;
        if (written > 0)
            fill(destination[..written]);
        return written > 0;
    }

    private int Fill(Span<byte> destination, Action<Span<byte>> fill) =>
        TryFill(destination, fill, out var written) ? written : throw new ArgumentException($"{destination.Length} bytes cannot take {HashLengthInBytes}", nameof(destination));
}
