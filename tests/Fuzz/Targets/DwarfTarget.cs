using Archive.Extractor;
using Btf.Dedup;
using Btf.Elf;
using Btf.Format;
using Btf.Format.Validation;
using Fuzz.Building;
using Fuzz.Mutation;

namespace Fuzz.Targets;

/// <summary>DWARF → BTF of a whole image. What comes out is parsed, and for some inputs made again on two threads.</summary>
internal sealed class DwarfTarget : FuzzTarget
{
    public override string Name => "dwarf";

    public override bool Declares(Exception problem) =>
        base.Declares(problem) || problem is UnsupportedImageException or NoDebugInfoException;

    public override void Execute(byte[] input)
    {
        var btf = Convert(input, 1);
        var blob = BtfBlob.Parse(btf);
        _ = BtfValidator.Check(blob);
        if (!blob.IsBigEndian)
            _ = BtfBlob.Parse(new BtfMerger(SplitBtfTarget.Base).Split(blob), SplitBtfTarget.Base);
        // Threads cost more than the conversion of a small image.
        if (input.Length % 16 == 0 && !btf.AsSpan().SequenceEqual(Convert(input, 2)))
            throw new BrokenPromiseException("two threads give other bytes than one");
    }

    public override byte[] Mutate(byte[] input, byte[] other, Random random) =>
        random.Next(6) == 0 ? DieForest.Image(random) : ElfMutations.Apply(input, other, random, ["debug_info", "debug_info", "debug_abbrev", "debug_", "symtab"]);

    private static byte[] Convert(byte[] input, int threads)
    {
        using var image = ElfImage.FromBytes(input);
        var options = new ConversionOptions(BtfSource.Dwarf, threads)
        { Inventory = input.Length % 2 == 0, Features = input.Length % 8 == 1 ? BtfFeatures.None : BtfFeatures.Kernel };
        return VmlinuxConverter.Convert(image, options).Bytes;
    }
}
