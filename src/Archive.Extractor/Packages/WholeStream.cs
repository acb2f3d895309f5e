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
        using var target = new MemoryStream((int)Math.Clamp(expected, 256, MostAtOnce));
        var step = GC.AllocateUninitializedArray<byte>((int)Math.Clamp(expected, 256, StepBytes));
        for (int count; (count = source.Read(step)) > 0; target.Write(step, 0, count))
            cancellation.ThrowIfCancellationRequested();
        return target.GetBuffer().AsMemory(0, (int)target.Length);
    }

    /// <summary>A stream over memory, without a copy where an array is behind it.</summary>
    public static MemoryStream Over(ReadOnlyMemory<byte> bytes) =>
        MemoryMarshal.TryGetArray(bytes, out var array)
            ? new MemoryStream(array.Array!, array.Offset, array.Count, writable: false)
            : new MemoryStream(bytes.ToArray(), writable: false);
}
