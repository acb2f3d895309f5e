namespace Archive.Extractor;

/// <summary>vmlinux on disk → BTF in memory.</summary>
public static class VmlinuxConverter
{
    /// <exception cref="Btf.MalformedInputException">The ELF, DWARF or BTF is malformed.</exception>
    /// <exception cref="NoDebugInfoException">Nothing to take BTF from.</exception>
    public static ConvertedKernel Convert(string path, ConversionOptions options, CancellationToken cancellation = default) =>
        throw new UnsupportedImageException(path);
}
