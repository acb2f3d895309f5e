namespace Btf.Format;

/// <summary>Memory is equal by its bytes.</summary>
internal sealed class ByteEquality : IEqualityComparer<ReadOnlyMemory<byte>>
{
    public static readonly ByteEquality Instance = new();

    public bool Equals(ReadOnlyMemory<byte> x, ReadOnlyMemory<byte> y) => x.Span.SequenceEqual(y.Span);

    public int GetHashCode(ReadOnlyMemory<byte> bytes)
    {
        var hash = new HashCode();
        hash.AddBytes(bytes.Span);
        return hash.ToHashCode();
    }
}
