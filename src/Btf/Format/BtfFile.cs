using Btf.Elf;

namespace Btf.Format;

/// <summary>Opens BTF by path: raw, or the <c>.BTF</c> section of an ELF file such as a vmlinux, a module or a BPF object.</summary>
public static class BtfFile
{
    private const string SectionName = ".BTF";

    /// <param name="path">A file that starts with the magic of BTF or of ELF.</param>
    /// <param name="baseBtf">The base, if this is split BTF.</param>
    /// <exception cref="MalformedInputException">The file holds no BTF that can be read.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static BtfBlob Open(string path, BtfBlob? baseBtf = null) =>
        BtfBlob.Parse(IsElf(path) ? ReadSection(path) : File.ReadAllBytes(path), baseBtf);

    private static bool IsElf(string path)
    {
        Span<byte> magic = stackalloc byte[4];
        using var file = File.OpenRead(path);
        return file.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) == magic.Length && magic.SequenceEqual("\u007fELF"u8);
    }

    private static byte[] ReadSection(string path)
    {
        using var elf = ElfImage.Open(path);
        return elf.Find(SectionName) is { } section
            ? elf.Read(section)
            : throw new BtfFormatException(SectionName, 0, null, "the ELF file has no such section");
    }
}
