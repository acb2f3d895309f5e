using Archive.Extractor.Conversion;
using Archive.Extractor.Dwarf;
using Archive.Extractor.Inventory;
using Btf.Elf;

namespace Archive.Extractor;

/// <summary>A kernel image on disk → BTF in memory: from its <c>.BTF</c> section, or from its DWARF.</summary>
public static class VmlinuxConverter
{
    /// <exception cref="Btf.MalformedInputException">The ELF, DWARF or BTF is malformed.</exception>
    /// <exception cref="NoDebugInfoException">Nothing to take BTF from.</exception>
    /// <exception cref="UnsupportedImageException">The image uses something that we do not read.</exception>
    public static ConvertedKernel Convert(string path, ConversionOptions options, CancellationToken cancellation = default)
    {
        using var image = ElfImage.Open(path);
        using var files = options.FollowsDebugLinks ? DebugFiles.Find(image, path) : DebugFiles.Only(image);
        return Convert(image, files, options, cancellation);
    }

    /// <inheritdoc cref="Convert(string, ConversionOptions, CancellationToken)"/>
    public static ConvertedKernel Convert(ElfImage image, ConversionOptions options, CancellationToken cancellation = default) =>
        Convert(image, DebugFiles.Only(image), options, cancellation);

    /// <summary>
    /// Whether a conversion of the image alone looks at the section. Relocations that the linker kept (<c>--emit-relocs</c>: half of an x86 vmlinux
    /// up to Linux 6.1) are applied already; DWARF is of no use where the image has BTF.
    /// </summary>
    internal static bool Reads(ElfImage image, ElfSection section, ConversionOptions options)
    {
        if (section.Type is ElfSectionType.Rela or ElfSectionType.Rel && !section.Flags.HasFlag(ElfSectionFlags.Alloc))
            return image.Type is not (ElfType.Executable or ElfType.SharedObject);
        return options.Inventory || SourceOf(image, options) == BtfSource.Dwarf
            || !SectionCompression.PlainName(section.Name).StartsWith(".debug_", StringComparison.Ordinal);
    }

    private static BtfSource SourceOf(ElfImage image, ConversionOptions options) =>
        options.Source != BtfSource.Auto ? options.Source : FindBtf(image) is null ? BtfSource.Dwarf : BtfSource.Btf;

    private static ElfSection? FindBtf(ElfImage image) => image.Find(".BTF") is { HasBytes: true, Size: > 0 } found ? found : null;

    private static ConvertedKernel Convert(ElfImage image, DebugFiles files, ConversionOptions options, CancellationToken cancellation)
    {
        var converted = ConvertTypes(image, files, options, cancellation);
        return options.Inventory
            ? converted with { Inventory = InventoryReader.Read(files.Dwarf, files.Supplementary, options.Threads, cancellation) with { Config = KernelConfig.Read(image) } }
            : converted;
    }

    private static ConvertedKernel ConvertTypes(ElfImage image, DebugFiles files, ConversionOptions options, CancellationToken cancellation)
    {
        var section = FindBtf(image);
        var facts = new KernelFacts
        {
            BuildId = ElfNotes.BuildId(image),
            Arch = KernelArch.NameOf(image),
            ShipsBtf = section is not null,
            TakenFrom = SourceOf(image, options),
        };
        if (facts.TakenFrom == BtfSource.Btf)
        {
            var bytes = image.Read(section ?? throw new NoDebugInfoException("the image has no .BTF section"));
            return Finish(bytes, facts, KernelBanner.Find(image));
        }
        var converted = DwarfToBtf.Convert(files.Dwarf, files.Supplementary, options, cancellation);
        return Finish(
            converted.Btf,
            facts with { Producer = converted.Producer, DwarfVersion = converted.DwarfVersion, SkippedUnits = converted.SkippedUnits },
            converted.Banner ?? KernelBanner.Find(image));
    }

    private static ConvertedKernel Finish(byte[] bytes, KernelFacts facts, string? banner)
    {
        var release = banner is null ? null : KernelBanner.ReleaseOf(banner);
        return new ConvertedKernel(bytes, facts with { Banner = banner, Release = release });
    }
}
