namespace Archive.Extractor.Packages;

/// <summary>The next so many bytes of a source, which must have them.</summary>
internal sealed class BoundedStream(Stream source, long length, string member) : ForwardOnlyStream
{
    private long _read;

    public override int Read(Span<byte> buffer)
    {
        if (_read == length || buffer.IsEmpty)
            return 0;
        var count = source.Read(buffer[..(int)Math.Min(buffer.Length, length - _read)]);
        if (count == 0)
            throw new PackageFormatException(member, _read, (ulong)length, "ends before its stated size");
        _read += count;
        return count;
    }
}
