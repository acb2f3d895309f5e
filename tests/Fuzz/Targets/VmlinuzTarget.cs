using Archive.Extractor;
using Archive.Extractor.Vmlinuz;
using Fuzz.Mutation;

namespace Fuzz.Targets;

/// <summary>A boot image: its kernel is unpacked, and BTF taken of it.</summary>
internal sealed class VmlinuzTarget : FuzzTarget
{
    public override string Name => "vmlinuz";

    public override bool Declares(Exception problem) =>
        base.Declares(problem) || problem is UnsupportedImageException or NoDebugInfoException;

    public override void Execute(byte[] input)
    {
        var kernel = new BootImageReader(CodecTarget.Limits, CancellationToken.None).Unpack(input);
        _ = BootImageConverter.Convert(kernel, new ConversionOptions(BtfSource.Auto, 1), CancellationToken.None);
    }

    public override byte[] Mutate(byte[] input, byte[] other, Random random) => BootImageMutations.Apply(input, other, random);
}
