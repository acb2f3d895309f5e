using System.CommandLine;
using System.Text.Json;
using Btf.CoRe;
using Btf.Format;
using Btf.Text;

namespace Btf.Cli;

/// <summary><c>btf offsets</c>: where fields are in several kernels. Status 1 if one is missing in any.</summary>
internal static class OffsetsCommand
{
    public static Command Create()
    {
        var files = new Argument<string[]>("FILE") { Description = "BTF of kernels: raw, or ELF files with a .BTF section.", Arity = ArgumentArity.OneOrMore };
        var paths = new Option<string[]>("--of") { Description = "struct.member[.member…], alternatives behind '|': task_struct.mm.pgd, task_struct.state|__state.", };
        var objects = new Option<string[]>("--object") { Description = "BPF objects: the fields that their relocations are about." };
        var format = new Option<string>("--format") { Description = "json or c.", DefaultValueFactory = _ => "json" };
        format.AcceptOnlyFromAmong("json", "c");
        paths.Validators.Add(result =>
        {
            try
            {
                _ = result.Tokens.Select(token => FieldPath.Parse(token.Value)).ToList();
            }
            catch (FormatException problem)
            {
                result.AddError(problem.Message);
            }
        });
        var command = new Command("offsets", "Tell where fields are in several kernels; status 1 if one is missing in any.") { files, paths, objects, format };
        command.Validators.Add(result =>
        {
            if (result.GetResult(paths) is null && result.GetResult(objects) is null)
                result.AddError("Give --of or --object.");
        });
        command.SetAction(parsed => BtfCommand.Run(parsed, output =>
        {
            var fields = FieldsOf(parsed.GetValue(paths) ?? [], parsed.GetValue(objects) ?? []);
            var kernels = parsed.GetRequiredValue(files).Select(path => Find(path, fields)).ToList();
            if (parsed.GetValue(format) == "json")
                output.Write(JsonSerializer.Serialize(new OffsetsDocument(kernels), TextJson.Default.OffsetsDocument) + "\n");
            else
                OffsetTable.WriteC([.. kernels.Select(kernel => (kernel.Kernel, kernel.Offsets))], output);
            return kernels.TrueForAll(kernel => kernel.Offsets.All(offset => offset.Found is not null));
        }));
        return command;
    }

    private static List<FieldPath> FieldsOf(string[] paths, string[] objects) =>
        [.. paths.Concat(objects.SelectMany(path => BpfObject.Open(path).Fields())).Distinct(StringComparer.Ordinal).Select(FieldPath.Parse)];

    private static KernelOffsets Find(string path, List<FieldPath> fields)
    {
        var offsets = new FieldOffsets(BtfFile.Open(path));
        return new KernelOffsets(BtfCommand.NameOf(path), [.. fields.Select(offsets.Find)]);
    }
}
