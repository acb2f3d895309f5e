using Archive.Extractor.Conversion;
using Archive.Extractor.Packages;
using Btf;
using Btf.Elf;

namespace Archive.Extractor;

/// <summary>
/// A module as far as it can be converted without its kernel: the split BTF that it was built with, or all types of its
/// DWARF. Both are a hundredth of the module, so that those which are packed before their kernel can wait for it.
/// </summary>
/// <param name="Own">The module's own BTF; null where it has none, or it is not asked for.</param>
/// <param name="Types">BTF of its DWARF, on no base; null where there is none, or none is needed.</param>
public sealed record ModuleDraft(string Name, ModuleBtf? Own, byte[]? Types)
{
    /// <param name="takesOwn">Its own BTF is of use: the kernel's will be its own too.</param>
    /// <exception cref="MalformedInputException">The module is malformed.</exception>
    /// <exception cref="UnsupportedImageException">It uses something that we do not read.</exception>
    public static ModuleDraft Of(PackageModule module, bool takesOwn, ConversionOptions options)
    {
        var own = takesOwn ? ModuleBtf.Of(module) : null;
        return new ModuleDraft(module.Name, own, own is null ? FromDwarf(module, options) : null);
    }

    private static byte[]? FromDwarf(PackageModule module, ConversionOptions options)
    {
        try
        {
            using var image = ElfImage.FromBytes(module.Image);
            return image.Find(".debug_info") is { HasBytes: true }
                ? DwarfToBtf.Convert(image, supplementary: null, options with { Threads = 1 }, CancellationToken.None).Btf
                : null;
        }
        catch (NoDebugInfoException)
        {
            return null;
        }
        catch (MalformedInputException problem)
        {
            throw new PackageFormatException(module.Entry, problem.Offset, problem.Value, problem.Message, problem);
        }
    }
}
