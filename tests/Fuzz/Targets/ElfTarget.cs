using Archive.Extractor;
using Btf.Elf;
using Fuzz.Mutation;

namespace Fuzz.Targets;

/// <summary>ELF: header, every section, symbols with their names, notes, the kernel's banner.</summary>
internal sealed class ElfTarget : FuzzTarget
{
    public override string Name => "elf";

    public override bool Declares(Exception problem) => base.Declares(problem) || problem is UnsupportedImageException;

    public override void Execute(byte[] input)
    {
        using var image = ElfImage.FromBytes(input);
        foreach (var section in image.Sections)
        {
            if (section.HasBytes && image.Find(section.Name) is not null)
                _ = image.Read(section);
        }
        if (ElfSymbols.Read(image) is { } symbols)
        {
            for (var i = 0; i < symbols.Count; i++)
                _ = symbols.NameOf(symbols[i]).Length;
        }
        _ = ElfNotes.BuildId(image);
        if (KernelBanner.Find(image) is { } banner)
            _ = KernelBanner.ReleaseOf(banner);
        _ = KernelArch.NameOf(image);
    }

    public override byte[] Mutate(byte[] input, byte[] other, Random random) => ElfMutations.Apply(input, other, random, ["symtab", "strtab", "note", "rodata", "debug_"]);
}
