using Archive.Extractor.Packages;
using Btf.Elf;

namespace Archive.Extractor.Vmlinuz;

/// <summary>
/// Any kernel on disk → BTF in memory: an ELF vmlinux by <see cref="VmlinuxConverter"/>, from its <c>.BTF</c> or its DWARF;
/// a boot image (vmlinuz, Image) after its kernel was unpacked, from its BTF, for which a tenth of the download is enough.
/// </summary>
public static class BootImageConverter
{
    /// <param name="path">A vmlinux, or a boot image of a form that <see cref="BootImageReader"/> knows.</param>
    /// <exception cref="Btf.MalformedInputException">The image, or the kernel, ELF, DWARF or BTF in it, is malformed or beyond a limit.</exception>
    /// <exception cref="NoDebugInfoException">Nothing to take BTF from.</exception>
    /// <exception cref="UnsupportedImageException">The image uses something that we do not read.</exception>
    public static ConvertedKernel Convert(
        string path, ConversionOptions options, ExtractionLimits limits, CancellationToken cancellation = default)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, bufferSize: 0);
        if (PackageKinds.Detect(file) == PackageKind.Image && !IsWrapper(path))
            return VmlinuxConverter.Convert(path, options, cancellation);
        if (file.Length > limits.MaxBootImageBytes)
            throw new VmlinuzFormatException("image", 0, (ulong)file.Length, $"is no vmlinux, and larger than {limits.MaxBootImageBytes} bytes");
        file.Position = 0;
        var image = WholeStream.Read(file, file.Length, cancellation);
        return Convert(new BootImageReader(limits, cancellation).Unpack(image), options, cancellation);
    }

    private static bool IsWrapper(string path)
    {
        using var elf = ElfImage.Open(path);
        return elf.Find(BootImageReader.PowerPcPayload) is not null;
    }

    internal static ConvertedKernel Convert(UnpackedKernel kernel, ConversionOptions options, CancellationToken cancellation)
    {
        if (!kernel.IsElf)
            return ConvertRaw(kernel, options);
        using var elf = ElfImage.FromBytes(kernel.Bytes);
        var converted = VmlinuxConverter.Convert(elf, options, cancellation);
        return converted with { Facts = converted.Facts with { BootImage = kernel.Form } };
    }

    private static ConvertedKernel ConvertRaw(UnpackedKernel kernel, ConversionOptions options)
    {
        var arch = kernel.Arch ?? throw new UnsupportedImageException($"{kernel.Form}: the kernel in it is no ELF image, and nothing tells its architecture");
        if (options.Source == BtfSource.Dwarf)
            throw new NoDebugInfoException("the kernel in the boot image has no DWARF");
        var raw = new RawKernel(kernel.Bytes);
        var btf = raw.FindBtf();
        var banner = raw.Banner;
        var facts = new KernelFacts
        {
            Release = banner is null ? null : KernelBanner.ReleaseOf(banner),
            Banner = banner,
            BuildId = raw.BuildId(btf),
            Arch = arch,
            ShipsBtf = true,
            TakenFrom = BtfSource.Btf,
            BootImage = kernel.Form,
        };
        return new ConvertedKernel(btf.Bytes, facts);
    }
}
