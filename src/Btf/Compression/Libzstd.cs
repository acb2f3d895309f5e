using System.Runtime.InteropServices;

namespace Btf.Compression;

/// <summary>
/// The decoder of libzstd 1.4 and later (<c>zstd.h</c>). It stands in this library because compressed sections are part of ELF,
/// and whoever opens an image may meet one; it is loaded when the first one is, and goes the day that the framework's own
/// zstd is there. The codecs of packages use the same binding.
/// </summary>
internal static unsafe partial class Libzstd
{
    private const string Library = "libzstd.so.1";
    private static readonly Lazy<nint> Loaded = new(static () => MissingLibraryException.Load(Library, "libzstd1"));

    /// <summary><c>ZSTD_d_windowLogMax</c>.</summary>
    public const int WindowLogMax = 100;

    /// <exception cref="MissingLibraryException">There is no libzstd.</exception>
    public static void Require() => _ = Loaded.Value;

    [LibraryImport(Library, EntryPoint = "ZSTD_createDCtx")]
    public static partial nint CreateDecoder();

    [LibraryImport(Library, EntryPoint = "ZSTD_freeDCtx")]
    public static partial nuint FreeDecoder(nint decoder);

    [LibraryImport(Library, EntryPoint = "ZSTD_DCtx_setParameter")]
    public static partial nuint SetParameter(ZstdHandle decoder, int parameter, int value);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompressStream")]
    public static partial nuint Decompress(ZstdHandle decoder, ref ZstdBuffer output, ref ZstdBuffer input);

    [LibraryImport(Library, EntryPoint = "ZSTD_decompress")]
    public static partial nuint Decompress(byte* output, nuint outputLength, byte* input, nuint inputLength);

    [LibraryImport(Library, EntryPoint = "ZSTD_isError")]
    public static partial uint IsError(nuint code);

    [LibraryImport(Library, EntryPoint = "ZSTD_getErrorName")]
    private static partial nint ErrorNamePointer(nuint code);

    public static string ErrorName(nuint code) => Marshal.PtrToStringUTF8(ErrorNamePointer(code)) ?? "unknown error";
}

/// <summary><c>ZSTD_inBuffer</c> and <c>ZSTD_outBuffer</c>, which have the same layout.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct ZstdBuffer(byte* start, int length)
{
    public byte* Start = start;
    public nuint Length = (nuint)length;
    public nuint Position;
}

/// <summary>Owns a <c>ZSTD_DCtx</c>.</summary>
internal sealed class ZstdHandle : SafeHandle
{
    public ZstdHandle()
        : base(0, ownsHandle: true) => SetHandle(Libzstd.CreateDecoder());

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        _ = Libzstd.FreeDecoder(handle);
        return true;
    }
}
