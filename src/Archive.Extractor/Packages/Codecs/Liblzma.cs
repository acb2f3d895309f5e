using System.Runtime.InteropServices;
using Btf;

namespace Archive.Extractor.Packages;

/// <summary>The part of liblzma's ABI that we use: <c>lzma/base.h</c> and <c>lzma/container.h</c> of 5.2 to 5.8.</summary>
internal static unsafe partial class Liblzma
{
    private const string Library = "liblzma.so.5";
    private static readonly Lazy<bool> MultithreadedDecoder = new(static () =>
        NativeLibrary.TryGetExport(MissingLibraryException.Load(Library, "liblzma5"), "lzma_stream_decoder_mt", out _));

    /// <summary>liblzma 5.4 and later decode the blocks of a stream on several threads.</summary>
    /// <exception cref="MissingLibraryException">There is no liblzma.</exception>
    public static bool HasMultithreadedDecoder => MultithreadedDecoder.Value;

    [LibraryImport(Library, EntryPoint = "lzma_code")]
    public static partial LzmaResult Code(LzmaHandle stream, LzmaAction action);

    [LibraryImport(Library, EntryPoint = "lzma_end")]
    public static partial void End(LzmaStream* stream);

    [LibraryImport(Library, EntryPoint = "lzma_stream_decoder")]
    public static partial LzmaResult StreamDecoder(LzmaHandle stream, ulong memoryLimit, LzmaFlags flags);

    [LibraryImport(Library, EntryPoint = "lzma_stream_decoder_mt")]
    public static partial LzmaResult StreamDecoderMultithreaded(LzmaHandle stream, in LzmaThreading options);

    [LibraryImport(Library, EntryPoint = "lzma_alone_decoder")]
    public static partial LzmaResult AloneDecoder(LzmaHandle stream, ulong memoryLimit);

    /// <summary>The options of a preset; 0 where there is such a preset.</summary>
    [LibraryImport(Library, EntryPoint = "lzma_lzma_preset")]
    public static partial byte Preset(out LzmaOptions options, uint preset);

    [LibraryImport(Library, EntryPoint = "lzma_stream_encoder_mt")]
    public static partial LzmaResult StreamEncoderMultithreaded(LzmaHandle stream, in LzmaThreading options);
}

internal enum LzmaResult
{
    Ok = 0,
    StreamEnd = 1,
    NoCheck = 2,
    UnsupportedCheck = 3,
    GetCheck = 4,
    MemoryError = 5,
    MemoryLimit = 6,
    FormatError = 7,
    OptionsError = 8,
    DataError = 9,
    BufferError = 10,
    ProgrammingError = 11,
    SeekNeeded = 12,
}

internal enum LzmaAction
{
    Run = 0,
    Finish = 3,
}

[Flags]
internal enum LzmaFlags : uint
{
    None = 0,
    TellUnsupportedCheck = 0x02,

    /// <summary>Several .xz streams one after the other, and padding between them, are one.</summary>
    Concatenated = 0x08,
}

/// <summary><c>lzma_stream</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LzmaStream
{
    public byte* NextIn;
    public nuint AvailIn;
    public ulong TotalIn;
    public byte* NextOut;
    public nuint AvailOut;
    public ulong TotalOut;
    public void* Allocator;
    public void* Internal;
    public fixed ulong Reserved[9];
}

/// <summary><c>lzma_options_lzma</c>, of which a preset gives what is not named here.</summary>
[StructLayout(LayoutKind.Explicit, Size = 112)]
internal struct LzmaOptions
{
    /// <summary>Steps of the search for a match; 0 for half of a long match and 16 more.</summary>
    [FieldOffset(44)]
    public uint Depth;
}

/// <summary><c>lzma_filter</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LzmaFilter
{
    public const ulong Lzma2 = 0x21;
    public const ulong End = ulong.MaxValue;

    public ulong Id;
    public LzmaOptions* Options;
}

/// <summary><c>lzma_mt</c>.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct LzmaThreading
{
    public LzmaFlags Flags;
    public uint Threads;
    public ulong BlockSize;
    public uint TimeoutMilliseconds;
    public uint Preset;
    public LzmaFilter* Filters;
    public int Check;
    public fixed uint ReservedNumbers[7];
    public ulong MemoryLimitThreading;
    public ulong MemoryLimitStop;
    public fixed ulong ReservedPlaces[6];
}

/// <summary>Owns an <c>lzma_stream</c> and what liblzma hangs on it, its threads included.</summary>
internal sealed unsafe class LzmaHandle : SafeHandle
{
    public LzmaHandle()
        : base(0, ownsHandle: true) => SetHandle((nint)NativeMemory.AllocZeroed((nuint)sizeof(LzmaStream)));

    public override bool IsInvalid => handle == 0;

    /// <summary>Runs the coder once over <paramref name="input"/> and <paramref name="output"/>.</summary>
    public LzmaResult Code(ReadOnlySpan<byte> input, Span<byte> output, LzmaAction action, out int consumed, out int produced)
    {
        fixed (byte* from = input, to = output)
        {
            var stream = (LzmaStream*)handle;
            stream->NextIn = from;
            stream->AvailIn = (nuint)input.Length;
            stream->NextOut = to;
            stream->AvailOut = (nuint)output.Length;
            var result = Liblzma.Code(this, action);
            consumed = input.Length - (int)stream->AvailIn;
            produced = output.Length - (int)stream->AvailOut;
            return result;
        }
    }

    protected override bool ReleaseHandle()
    {
        Liblzma.End((LzmaStream*)handle);
        NativeMemory.Free((void*)handle);
        return true;
    }
}
