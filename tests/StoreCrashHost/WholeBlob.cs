using System.Buffers.Binary;

namespace StoreCrashHost;

/// <summary>A blob that tells whether it is whole: its size, then that size's low byte throughout.</summary>
public static class WholeBlob
{
    private const int Header = sizeof(int);

    public static byte[] Of(int size)
    {
        var blob = new byte[Header + size];
        BinaryPrimitives.WriteInt32LittleEndian(blob, size);
        blob.AsSpan(Header).Fill((byte)size);
        return blob;
    }

    public static bool IsWhole(ReadOnlySpan<byte> blob)
    {
        if (blob.Length < Header)
            return false;
        var size = BinaryPrimitives.ReadInt32LittleEndian(blob);
        return blob.Length == Header + size && !blob[Header..].ContainsAnyExcept((byte)size);
    }
}
