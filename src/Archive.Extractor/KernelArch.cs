using Btf.Elf;

namespace Archive.Extractor;

/// <summary>Canonical names of architectures, from the ELF header.</summary>
public static class KernelArch
{
    /// <exception cref="UnsupportedImageException">No architecture that Linux has BPF programs on.</exception>
    public static string NameOf(ElfImage image) => (image.Machine, image.Is64, image.Endian.LittleEndian) switch
    {
        (ElfMachine.X8664, _, _) => "x86_64",
        (ElfMachine.AArch64, _, _) => "arm64",
        (ElfMachine.S390, _, _) => "s390x",
        (ElfMachine.Ppc64, _, true) => "ppc64le",
        (ElfMachine.Ppc64, _, false) => "ppc64",
        (ElfMachine.RiscV, true, _) => "riscv64",
        (ElfMachine.Arm, _, _) => "armhf",
        (ElfMachine.I386, _, _) => "i386",
        (ElfMachine.Mips, true, true) => "mips64el",
        (ElfMachine.Mips, false, true) => "mipsel",
        (ElfMachine.LoongArch, _, _) => "loong64",
        _ => throw new UnsupportedImageException($"ELF machine {(ushort)image.Machine}"),
    };
}
