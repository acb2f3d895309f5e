namespace Btf.Elf;

/// <summary>e_type (System V gABI, ELF header).</summary>
public enum ElfType : ushort
{
    None = 0,
    Relocatable = 1,
    Executable = 2,
    SharedObject = 3,
    Core = 4,
}

/// <summary>e_machine, as far as kernels are built for it.</summary>
public enum ElfMachine : ushort
{
    None = 0,
    I386 = 3,
    Mips = 8,
    Ppc = 20,
    Ppc64 = 21,
    S390 = 22,
    Arm = 40,
    X8664 = 62,
    AArch64 = 183,
    RiscV = 243,
    Bpf = 247,
    LoongArch = 258,
}

/// <summary>sh_type.</summary>
public enum ElfSectionType : uint
{
    Null = 0,
    ProgBits = 1,
    SymTab = 2,
    StrTab = 3,
    Rela = 4,
    Note = 7,
    NoBits = 8,
    Rel = 9,
    SymTabShndx = 18,
}

/// <summary>sh_flags.</summary>
[Flags]
public enum ElfSectionFlags : ulong
{
    None = 0,
    Write = 1,
    Alloc = 2,
    Execute = 4,

    /// <summary>SHF_COMPRESSED. Sections that GNU tools compressed and named <c>.zdebug_*</c> have it here too, though not in the file.</summary>
    Compressed = 0x800,
}

/// <summary>Low four bits of st_info.</summary>
public enum ElfSymbolType : byte
{
    None = 0,
    Object = 1,
    Func = 2,
    Section = 3,
    File = 4,
}

/// <summary>A section header. Offsets and sizes are in bytes of the file and are checked against its length when the image is opened.</summary>
public sealed record ElfSection(
    int Index,
    string Name,
    ElfSectionType Type,
    ElfSectionFlags Flags,
    ulong Address,
    long Offset,
    long Size,
    int Link,
    int Info,
    long EntrySize)
{
    /// <summary>The section's bytes are in the file.</summary>
    public bool HasBytes => Type is not (ElfSectionType.NoBits or ElfSectionType.Null);
}
