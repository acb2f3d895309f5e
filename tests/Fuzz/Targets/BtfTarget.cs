using Btf.Dedup;
using Btf.Format;
using Btf.Format.Validation;
using Btf.Text;
using Btf.Text.Changes;
using Btf.Text.CSource;
using Btf.Text.Layout;
using Fuzz.Mutation;

namespace Fuzz.Targets;

/// <summary>Raw BTF: parser, validator, names, raw dump, C, layouts, offsets, structural diff against itself.</summary>
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
        _ = blob.Find("outer").Count;
        RawDump.Write(blob, TextWriter.Null);
        Describe(blob);
        var diff = BtfDiff.Compare(blob, blob);
        if (!diff.AreEqual)
            throw new BrokenPromiseException("a BTF differs from itself");
        BtfDiff.Compare(blob, SplitBtfTarget.Base).Write(TextWriter.Null);
    }

    private static void Describe(BtfBlob blob)
    {
        Try(() => CDump.Write(blob, TextWriter.Null));
        Try(() =>
        {
            foreach (var name in (string[])["node", "holder", "outer", "call"])
            {
                foreach (var type in TypeDescription.Find(blob, name))
                    type.Write(TextWriter.Null);
            }
        });
        Try(() => ChangesWriter.WriteText(KernelComparison.Compare(blob, SplitBtfTarget.Base, "fuzzed", "sound"), TextWriter.Null));
        Try(() => new FieldOffsets(blob).Find(FieldPath.Parse("holder.unknown.x|node.next.x|outer.i.n")));
    }

    /// <summary>What has no C form, or no layout, is refused; the rest has to be looked at all the same.</summary>
    private static void Try(Action use)
    {
        try
        {
            use();
        }
        catch (Btf.BtfFormatException)
        {
        }
    }
}

/// <summary>Split BTF on a fixed base.</summary>
internal sealed class SplitBtfTarget : FuzzTarget
{
    /// <summary>The first, sound entry of the other target's corpus.</summary>
    internal static BtfBlob Base { get; } = BtfBlob.Parse(File.ReadAllBytes(Path.Combine(FuzzFolders.CorpusOf("btf"), "every-kind.btf")));

    public override string Name => "split-btf";

    public override bool Declares(Exception problem) => problem is Btf.BtfFormatException;

    public override void Execute(byte[] input)
    {
        var split = BtfBlob.Parse(input, Base);
        BtfTarget.Use(split);
        // Modules are checked before anything is made of them.
        if (BtfValidator.Check(split).Count == 0)
            Transform(split);
    }

    private static void Transform(BtfBlob split)
    {
        var merger = new BtfMerger(Base);
        RequireValid(BtfBlob.Parse(merger.Split(split), Base), "merged split BTF");
        merger.Add(split);
        RequireValid(BtfBlob.Parse(merger.Flatten()), "flattened BTF");
        if (Distilled(split) is { } distilled)
            RequireValid(BtfBlob.Parse(distilled.Split, BtfBlob.Parse(distilled.Base)), "distilled BTF");
    }

    private static DistilledBtf? Distilled(BtfBlob split)
    {
        try
        {
            return BtfDistiller.Distill(split);
        }
        catch (Btf.BtfFormatException)
        {
            return null;
        }
    }

    private static void RequireValid(BtfBlob blob, string what)
    {
        if (BtfValidator.Check(blob) is [var first, ..])
            throw new BrokenPromiseException($"{what} of valid BTF is not valid: {first}");
    }

    public override byte[] Mutate(byte[] input, byte[] other, Random random) => BtfMutations.Apply(input, other, random);
}
