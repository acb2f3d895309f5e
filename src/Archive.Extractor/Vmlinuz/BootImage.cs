using System.Buffers.Binary;
using System.Text;
using Archive.Extractor.Packages;

namespace Archive.Extractor.Vmlinuz;

/// <summary>Where a boot image has its kernel.</summary>
internal enum KernelPlace
{
    /// <summary>It is the kernel, as an ELF image.</summary>
    Elf,

    /// <summary>It is the kernel, as the bytes that are put into memory.</summary>
    Raw,

    /// <summary>Compressed, at a place that the header tells.</summary>
    Payload,

    /// <summary>Compressed, at a place that is to be searched.</summary>
    Somewhere,
}

/// <summary>What the first bytes of a boot image say. The offsets are checked against its length.</summary>
/// <param name="Form">A word for provenance, such as "bzImage".</param>
/// <param name="Arch">Canonical architecture; null where the header leaves it to the kernel inside.</param>
/// <param name="Offset">Of the payload, in bytes.</param>
/// <param name="Length">Of the payload, in bytes.</param>
internal sealed record BootImage(string Form, string? Arch, KernelPlace Place, int Offset = 0, int Length = 0)
{
    /// <summary>The last four bytes of the payload are the size of the kernel (modulo 2^32), little-endian, by the compressor or behind it.</summary>
    public bool EndsWithSize { get; init; }

    private const uint Arm64Magic = 0x644d5241;     // "ARM\x64"
    private const uint RiscVMagic = 0x05435352;     // "RSC\x05"
    private const uint LinuxPeMagic = 0x818223cd;
    private const uint ZimageMagic = 0x016f2818;    // arch/arm/boot/compressed/head.S

    /// <exception cref="VmlinuzFormatException">A header that is known promises what the image does not hold.</exception>
    public static BootImage Read(ReadOnlySpan<byte> image) =>
        image.StartsWith("\u007fELF"u8) ? new("vmlinux", null, KernelPlace.Elf)
        : IsBzImage(image) ? BzImage(image)
        : image is [(byte)'M', (byte)'Z', _, _, (byte)'z', (byte)'i', (byte)'m', (byte)'g', ..] ? Zboot(image)
        : Word(image, 56) == Arm64Magic ? new("Image", "arm64", KernelPlace.Raw)
        : Word(image, 56) == RiscVMagic ? new("Image", PeArch(image) ?? "riscv64", KernelPlace.Raw)
        : Word(image, 0x24) == ZimageMagic ? new("zImage", "armhf", KernelPlace.Somewhere)
        : IsS390(image) ? new("bzImage", "s390x", KernelPlace.Somewhere)
        : Word(image, 56) == LinuxPeMagic ? new("Image", PeArch(image), KernelPlace.Raw)
        : Codecs.Detect(image) is not Codec.None ? Compressed(image)
        : new("unknown", null, KernelPlace.Somewhere);

    private static BootImage Compressed(ReadOnlySpan<byte> image) => new("", null, KernelPlace.Payload, 0, image.Length);

    private static bool IsBzImage(ReadOnlySpan<byte> image) =>
        image.Length >= 0x250 && image[0x1fe] == 0x55 && image[0x1ff] == 0xaa && image.Slice(0x202, 4).SequenceEqual("HdrS"u8);

    /// <summary>Documentation/arch/x86/boot.rst: setup_sects, and payload_offset and payload_length since protocol 2.08.</summary>
    private static BootImage BzImage(ReadOnlySpan<byte> image)
    {
        const int payloadOffsetAt = 0x248;
        const ushort firstVersionWithPayload = 0x208;
        const int sector = 512;
        const int impliedSectors = 4;
        var length = Word(image, payloadOffsetAt + 4);
        if (BinaryPrimitives.ReadUInt16LittleEndian(image[0x206..]) < firstVersionWithPayload || length == 0)
            return new("bzImage", null, KernelPlace.Somewhere);
        var setup = (1 + (image[0x1f1] == 0 ? impliedSectors : image[0x1f1])) * sector;
        return Within(image, "bzImage", null, payloadOffsetAt, (ulong)setup + Word(image, payloadOffsetAt), length) with { EndsWithSize = true };
    }

    /// <summary>drivers/firmware/efi/libstub/zboot-header.S: behind "MZ\0\0zimg" the payload's offset and size, two reserved words, the compression's name.</summary>
    private static BootImage Zboot(ReadOnlySpan<byte> image)
    {
        if (image.Length < 64)
            throw new VmlinuzFormatException("zboot", 0, (ulong)image.Length, "shorter than its header");
        var found = Within(image, "zboot", PeArch(image), 8, Word(image, 8), Word(image, 12));
        if (Codecs.Detect(image.Slice(found.Offset, found.Length)) == Codec.None)
            throw new UnsupportedImageException($"zboot image compressed with '{Name(image.Slice(24, 32))}'");
        return found;
    }

    /// <summary>
    /// An s390 image is loaded to address 0, where it begins with a PSW and the channel programs of an IPL from cards; it has
    /// "S390EP" at 0x10008 (Documentation/arch/s390, arch/s390/boot/head.S).
    /// </summary>
    private static bool IsS390(ReadOnlySpan<byte> image) =>
        image.Length > 0x1000e && image.Slice(0x10008, 6).SequenceEqual("S390EP"u8);

    private static BootImage Within(ReadOnlySpan<byte> image, string form, string? arch, int fieldAt, ulong offset, uint length)
    {
        if (offset + length > (ulong)image.Length || length < sizeof(uint))
            throw new VmlinuzFormatException(form, fieldAt, offset + length, $"the payload ends past the end of the image at {image.Length} bytes, or is empty");
        return new(form, arch, KernelPlace.Payload, (int)offset, (int)length);
    }

    /// <summary>The machine of the PE header (Microsoft PE format, "Machine Types"), which every EFI image has; null if none that we know.</summary>
    private static string? PeArch(ReadOnlySpan<byte> image)
    {
        var pe = Word(image, 0x3c);
        if (pe > image.Length - 6 || Word(image, (int)pe) != 0x4550)
            return null;
        return BinaryPrimitives.ReadUInt16LittleEndian(image[((int)pe + 4)..]) switch
        {
            0x8664 => "x86_64",
            0xaa64 => "arm64",
            0x5064 => "riscv64",
            0x5032 => "riscv32",
            0x6264 => "loong64",
            0x1c2 => "armhf",
            0x14c => "i386",
            _ => null,
        };
    }

    private static string Name(ReadOnlySpan<byte> field) =>
        Encoding.ASCII.GetString(field[..(field.IndexOf((byte)0) is >= 0 and var end ? end : field.Length)]);

    /// <summary>The little-endian word at an offset; 0 past the end.</summary>
    private static uint Word(ReadOnlySpan<byte> image, int offset) =>
        offset <= image.Length - sizeof(uint) ? BinaryPrimitives.ReadUInt32LittleEndian(image[offset..]) : 0;
}
