using Btf.Format;
using Btf.Format.Validation;
using Btf.Text;
using Fuzz.Mutation;

namespace Fuzz.Targets;

/// <summary>Raw BTF: parser, validator, names, raw dump, structural diff against itself.</summary>
internal sealed class BtfTarget : FuzzTarget
{
    public override string Name => "btf";

    public override bool Declares(Exception problem) => problem is Btf.BtfFormatException;

    public override void Execute(byte[] input) => Use(BtfBlob.Parse(input));

    public override byte[] Mutate(byte[] input, byte[] other, Random random) => BtfMutations.Apply(input, other, random);

    internal static void Use(BtfBlob blob)
    {
        _ = BtfValidator.Check(blob);
        _ = BtfValidator.CheckDeduplicated(blob);
        _ = blob.CountByKind();
        _ = blob.PointerSize;
        _ = blob.Find("outer").Count();
        RawDump.Write(blob, TextWriter.Null);
        var diff = BtfDiff.Compare(blob, blob);
        if (!diff.AreEqual)
            throw new BrokenPromiseException("a BTF differs from itself");
        BtfDiff.Compare(blob, SplitBtfTarget.Base).Write(TextWriter.Null);
    }
}

/// <summary>Split BTF on a fixed base.</summary>
internal sealed class SplitBtfTarget : FuzzTarget
{
    /// <summary>The first, sound entry of the other target's corpus.</summary>
    internal static BtfBlob Base { get; } = BtfBlob.Parse(File.ReadAllBytes(Path.Combine(FuzzFolders.CorpusOf("btf"), "every-kind.btf")));

    public override string Name => "split-btf";

    public override bool Declares(Exception problem) => problem is Btf.BtfFormatException;

    public override void Execute(byte[] input) => BtfTarget.Use(BtfBlob.Parse(input, Base));

    public override byte[] Mutate(byte[] input, byte[] other, Random random) => BtfMutations.Apply(input, other, random);
}
