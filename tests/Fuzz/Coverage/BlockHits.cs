using System.ComponentModel;
using System.Runtime.CompilerServices;

namespace Fuzz.Coverage;

/// <summary>
/// How often each basic block of the instrumented assemblies ran on this thread. Without instrumentation, or on threads that
/// the code under test starts, nothing is counted.
/// </summary>
public static class BlockHits
{
    [ThreadStatic]
    private static byte[]? _counts;

    /// <summary>Blocks that were numbered; 0 without instrumentation.</summary>
    internal static int Blocks { get; set; }

    /// <summary>This thread's counts, from now on.</summary>
    internal static byte[] Begin()
    {
        _counts ??= new byte[(Blocks + 7) & ~7];
        _counts.AsSpan().Clear();
        return _counts;
    }

    /// <summary>What the instrumenter puts at the head of each block. Counts wrap at 256, which costs nothing and hides little.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Count(int block)
    {
        if (_counts is { } counts)
            counts[block]++;
    }
}
