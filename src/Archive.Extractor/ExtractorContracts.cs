using Archive.Extractor.Inventory;
using Btf;
using Btf.Format;

namespace Archive.Extractor;

/// <summary>Where the BTF of a kernel image is to be taken from.</summary>
public enum BtfSource
{
    /// <summary>The image's <c>.BTF</c> section where it has one, else its DWARF.</summary>
    Auto,
    Btf,
    Dwarf,
}

/// <summary>How a kernel image is turned into BTF.</summary>
/// <param name="Source">Where to take the BTF from.</param>
/// <param name="Threads">Worker threads, at least 1. The output is the same bytes for any number.</param>
public sealed record ConversionOptions(BtfSource Source, int Threads)
{
    /// <summary>What conversion from DWARF emits.</summary>
    public BtfFeatures Features { get; init; } = BtfFeatures.Kernel;

    /// <summary>Take the image's <see cref="KernelInventory"/> as well.</summary>
    public bool Inventory { get; init; }

    /// <summary>
    /// Look in the image's folder, and where it says, for the debug files that it names. Only for images that a person points
    /// at: what comes out of a package must not choose which files of this machine are opened.
    /// </summary>
    public bool FollowsDebugLinks { get; init; }

    public static ConversionOptions Default { get; } = new(BtfSource.Auto, Environment.ProcessorCount);
}

/// <summary>What the image itself says, for provenance and for the checks before publication.</summary>
public sealed record KernelFacts
{
    /// <summary>The release string inside the image (<c>uname -r</c>), from <c>linux_banner</c>; null where the image has none.</summary>
    public string? Release { get; init; }

    /// <summary>The whole <c>linux_banner</c>.</summary>
    public string? Banner { get; init; }

    /// <summary>GNU build-id, lower-case hex.</summary>
    public string? BuildId { get; init; }

    /// <summary>DW_AT_producer of the first C unit; null when the DWARF was not read.</summary>
    public string? Producer { get; init; }

    /// <summary>Highest DWARF version among the C units; 0 when the DWARF was not read.</summary>
    public int DwarfVersion { get; init; }

    /// <summary>Units of languages that BTF is not made for (Rust, C++), left out.</summary>
    public int SkippedUnits { get; init; }

    /// <summary>Canonical arch: x86_64, arm64, s390x, ppc64le, riscv64, armhf, i386 (DESIGN: Identity).</summary>
    public required string Arch { get; init; }

    /// <summary>The image has a <c>.BTF</c> section of its own.</summary>
    public required bool ShipsBtf { get; init; }

    /// <summary>
    /// The form of the boot image that the kernel was unpacked from and its compression, such as "bzImage lz4" or "zboot
    /// gzip Image"; null for an ELF vmlinux. Such a kernel was stripped: its BTF is its own.
    /// </summary>
    public string? BootImage { get; init; }

    /// <summary>What the BTF was in fact taken from: <see cref="BtfSource.Btf"/> or <see cref="BtfSource.Dwarf"/>.</summary>
    public required BtfSource TakenFrom { get; init; }
}

/// <summary>Raw BTF of one kernel with what was learnt on the way.</summary>
/// <param name="Bytes">Raw BTF in the image's byte order, 24-byte header.</param>
/// <exception cref="BtfFormatException">They are not BTF.</exception>
public sealed record ConvertedKernel(byte[] Bytes, KernelFacts Facts)
{
    public byte[] Bytes { get; } = Bytes;

    /// <summary><see cref="Bytes"/>, parsed.</summary>
    public BtfBlob Btf { get; } = BtfBlob.Parse(Bytes);

    /// <summary>Number of types by kind.</summary>
    public IReadOnlyDictionary<BtfKind, int> TypeCounts => Btf.CountByKind();

    /// <summary>Null where it was not asked for, or neither the image nor its package tell anything.</summary>
    public KernelInventory? Inventory { get; init; }
}

/// <summary>The package (ar, tar, codec) is not what its name and magic promise, or exceeds a limit.</summary>
public sealed class PackageFormatException(string member, long offset, ulong? value, string problem, Exception? inner = null)
    : MalformedInputException(member, offset, value, problem, inner)
{
    /// <summary>Nothing is wrong with the compressed data up to where it ends too early.</summary>
    internal bool IsOnlyCutOff { get; init; }
}

/// <summary>The boot image (bzImage, zboot, Image and so on) is not what its header promises, or exceeds a limit.</summary>
public sealed class VmlinuzFormatException(string part, long offset, ulong? value, string problem, Exception? inner = null)
    : MalformedInputException(part, offset, value, problem, inner);

/// <summary>The DWARF cannot be read.</summary>
public sealed class DwarfFormatException(string section, long offset, ulong? value, string problem)
    : MalformedInputException(section, offset, value, problem);

/// <summary>The package or image is sound but holds neither DWARF nor BTF (or, with a forced source, not that one).</summary>
public sealed class NoDebugInfoException(string problem) : Exception(problem);

/// <summary>The image is sound, but uses something that we do not read; the message names it.</summary>
public sealed class UnsupportedImageException(string problem) : Exception(problem);

/// <summary>The converted BTF failed a check that stands before publication; the message names the check and the value.</summary>
public sealed class ValidationException(string problem) : Exception(problem);
