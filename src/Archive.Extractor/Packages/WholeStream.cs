using System.Runtime.InteropServices;

namespace Archive.Extractor.Packages;

/// <summary>Between streams and memory.</summary>
internal static class WholeStream
{
    private const int StepBytes = 1 << 20;
    private const int MostAtOnce = 1 << 26;

    /// <summary>Reads to the end.</summary>
    /// <param name="expected">Bytes that are allocated at once; more as they come.</param>
    public static ReadOnlyMemory<byte> Read(Stream source, long expected, CancellationToken cancellation)
    {
        // One more than expected, so that the end is found without growing.
        var buffer = GC.AllocateUninitializedArray<byte>((int)Math.Clamp(expected, 256, MostAtOnce) + 1);
        for (var length = 0; ;)
        {
            cancellation.ThrowIfCancellationRequested();
            if (length == buffer.Length)
                buffer = Grown(buffer);
            var count = source.Read(buffer.AsSpan(length, Math.Min(StepBytes, buffer.Length - length)));
            if (count == 0)
                return buffer.AsMemory(0, length);
            length += count;
        }
    }

    private static byte[] Grown(byte[] full)
    {
        var larger = GC.AllocateUninitializedArray<byte>((int)Math.Min(Array.MaxLength, full.Length * 2L));
        full.CopyTo(larger, 0);
        return larger;
    }

    /// <summary>A stream over memory, without a copy where an array is behind it.</summary>
    public static MemoryStream Over(ReadOnlyMemory<byte> bytes) =>
        MemoryMarshal.TryGetArray(bytes, out var array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
            : new MemoryStream(bytes.ToArray(), writable: false);
}
