using System.Text.Json;
using Btf.CoRe;
using Btf.CoRe.Compatibility;
using Btf.Format;
using Btf.Format.Validation;
using Fuzz.Mutation;

namespace Fuzz.Targets;

/// <summary>
/// A BPF object as users upload it: opened, relocated for a small kernel, minimised, and reported on by the rules of both
/// loaders. Minimal BTF has to be valid, and to give each relocation what the whole gives it.
/// </summary>
internal sealed class BpfObjectTarget : FuzzTarget
{
    private static readonly MinimalBtfOptions Everything = new() { SkipRefusals = true, KeepAllCandidates = true, WithoutEnum64 = true, WithoutTags = true };

    private static readonly CoreTarget Kernel = new(BtfBlob.Parse(File.ReadAllBytes(Path.Combine(FuzzFolders.CorpusOf("btf"), "core-kernel.btf"))));

    private static readonly string[] Wordy = [".BTF.ext", ".BTF.ext", ".BTF", ".text", "kprobe/do_exit", "tp_btf/sched_switch", "lsm/file_open"];

    public override string Name => "bpf-object";

    public override void Execute(byte[] input)
    {
        var item = BpfObject.Parse(input);
        RequireValid(MinimalBtf.Make(Kernel, [item], Everything));
        foreach (var loader in Enum.GetValues<CoreLoader>())
            Report(item, loader);
        if (Minimal(item) is { } minimal)
            RequireSameValues(item, RequireValid(minimal));
    }

    /// <summary>That loaders refuse an object is an answer; its many reasons tell the search nothing.</summary>
    private static byte[]? Minimal(BpfObject item)
    {
        try
        {
            return MinimalBtf.Make(Kernel, [item]);
        }
        catch (CoreRefusalException)
        {
            return null;
        }
    }

    public override byte[] Mutate(byte[] input, byte[] other, Random random) =>
        random.Next(4) == 0 && ElfMutations.ApplyToSection(input, other, random, ".BTF", BtfMutations.Apply) is { } mutated ? mutated
        : random.Next(2) == 0 && ElfMutations.ApplyToWords(input, random, Wordy[random.Next(Wordy.Length)]) is { } reworded ? reworded
        : ElfMutations.Apply(input, other, random, ["BTF", "BTF.ext", "kprobe", "tp_btf", ".text", "symtab", "rel"]);

    private static CoreTarget RequireValid(byte[] minimal)
    {
        var blob = BtfBlob.Parse(minimal);
        // Without any types it is no BTF that a kernel would take, but all that some objects need.
        if (blob.TypeCount > 0 && BtfValidator.Check(blob) is [var first, ..])
            throw new BrokenPromiseException($"minimal BTF is not valid: {first}");
        return new CoreTarget(blob);
    }

    private static void RequireSameValues(BpfObject item, CoreTarget minimal)
    {
        var (whole, part) = (new CoreResolver(item.Btf, Kernel), new CoreResolver(item.Btf, minimal));
        foreach (var relocation in item.Relocations)
        {
            var (wanted, given) = (whole.Resolve(relocation), part.Resolve(relocation));
            // Pointers on the path of a field are kept as pointers to nothing, here as in bpftool: a type that leads through one, and to nothing
            // in the object, is compatible then where it was not.
            if (relocation.Kind.IsType() && wanted.Failure.IsAbsence())
                continue;
            var isSame = wanted.Failure.IsAbsence() == given.Failure.IsAbsence() && wanted.IsPoison == given.IsPoison
                && (relocation.Kind == CoreRelocationKind.TypeIdTarget || wanted.TargetValue == given.TargetValue);
            if (!isSame)
                throw new BrokenPromiseException($"{relocation} is {wanted} by the whole, {given} by minimal BTF");
        }
    }

    private static void Report(BpfObject item, CoreLoader loader)
    {
        var report = new CompatibilityReport("object", loader);
        report.Add(new ReportKernel("6.1.0-fuzz", "fuzz", null), new CompatibilityCheck(item, loader).Check(Kernel, KernelVersion.Of("6.1.0-fuzz")));
        using var json = new Utf8JsonWriter(Stream.Null);
        ReportWriter.WriteJson([report], json);
        ReportWriter.WriteMarkdown([report], TextWriter.Null);
        ReportWriter.WriteTable([report], TextWriter.Null);
    }
}
