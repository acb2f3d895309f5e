using System.CommandLine;
using Btf.CoRe;
using Btf.Format;

namespace Btf.Cli;

/// <summary><c>btf minimize</c>: the BTF that some BPF objects need, of one kernel.</summary>
internal static class MinimizeCommand
{
    public static Command Create()
    {
        var kernel = new Argument<string>("KERNEL") { Description = "BTF of the kernel: raw, or an ELF file with a .BTF section." };
        var output = new Argument<string>("OUTPUT") { Description = "Where the minimal BTF goes." };
        var objects = new Argument<string[]>("OBJECT") { Description = "BPF objects built with clang -g.", Arity = ArgumentArity.OneOrMore };
        var modules = new Option<string[]>("--module") { Description = "Split BTF of a module whose types count too." };
        var skip = new Option<bool>("--skip-errors") { Description = "Leave out relocations that no loader can resolve, instead of failing." };
        var all = new Option<bool>("--all-candidates") { Description = "Keep every type that matches, not the first alone." };
        var wide = new Option<bool>("--layout-header") { Description = "Write the 32-byte header that bpftool writes since 2026." };
        var narrow = new Option<bool>("--no-enum64") { Description = "Write ENUM for ENUM64, for loaders of before 2022." };
        var untagged = new Option<bool>("--no-tags") { Description = "Leave out TYPE_TAG, for loaders of before 2022." };
        var order = new Option<string?>("--byte-order") { Description = "little or big; that of the kernel if not given." };
        order.AcceptOnlyFromAmong("little", "big");
        var command = new Command("minimize", "Write what BPF objects need of a kernel's BTF, as bpftool gen min_core_btf does.")
        {
            kernel, output, objects, modules, skip, all, wide, narrow, untagged, order,
        };
        command.SetAction(parsed => BtfCommand.Run(parsed, _ =>
        {
            var options = new MinimalBtfOptions
            {
                SkipRefusals = parsed.GetValue(skip),
                KeepAllCandidates = parsed.GetValue(all),
                HeaderSize = parsed.GetValue(wide) ? BtfHeader.SizeWithLayout : BtfWire.HeaderSize,
                WithoutEnum64 = parsed.GetValue(narrow),
                WithoutTags = parsed.GetValue(untagged),
                BigEndian = parsed.GetValue(order) is { } name ? name == "big" : null,
            };
            var btf = BtfFile.Open(parsed.GetRequiredValue(kernel));
            var target = new CoreTarget(btf, [.. (parsed.GetValue(modules) ?? []).Select(path => BtfFile.Open(path, btf))]);
            File.WriteAllBytes(parsed.GetRequiredValue(output), MinimalBtf.Make(target, parsed.GetRequiredValue(objects).Select(BpfObject.Open), options));
        }));
        return command;
    }
}
