namespace Archive.Extractor.Packages;

/// <summary>The next so many bytes of a source, which must have them.</summary>
public sealed class BoundedStream(Stream source, long length, string member) : ForwardOnlyStream
{
    private long _read;
    private long _unwanted;

    /// <summary>Nobody wants what follows the first so many bytes: reading ends there, or where it is already.</summary>
    public void EndAt(long position) => _unwanted = length - Math.Clamp(position, _read, length);

    public override int Read(Span<byte> buffer)
    {
        var rest = length - _unwanted - _read;
        if (rest == 0 || buffer.IsEmpty)
            return 0;
        var count = source.Read(buffer[..(int)Math.Min(buffer.Length, rest)]);
        if (count == 0)
            throw new PackageFormatException(member, _read, (ulong)length, "ends before its stated size");
        _read += count;
        return count;
    }
}
