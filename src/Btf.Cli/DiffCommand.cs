using System.CommandLine;
using System.Text.Json;
using Btf.Format;
using Btf.Text;
using Btf.Text.Changes;

namespace Btf.Cli;

/// <summary><c>btf diff</c>: by structure, type for type, or by name with the reasons. Status 1 if different.</summary>
internal static class DiffCommand
{
    public static Command Create()
    {
        var left = BtfCommand.FileArgument("LEFT");
        var right = BtfCommand.FileArgument("RIGHT");
        var leftBase = new Option<string?>("--base") { Description = "The BTF that LEFT is split on; RIGHT too if --right-base is not given." };
        var rightBase = new Option<string?>("--right-base") { Description = "The BTF that RIGHT is split on." };
        var format = new Option<string>("--format")
        {
            Description = "structure: counts, and each type that one side has and the other has not. text, md or json: types and functions by name, what changed in them, and what only moved.",
            DefaultValueFactory = _ => "structure",
        };
        format.AcceptOnlyFromAmong("structure", "text", "md", "json");
        var command = new Command("diff", "Compare two kernels, whatever the ids and their order; status 1 if different.") { left, right, leftBase, rightBase, format };
        command.SetAction(parsed => BtfCommand.Run(parsed, output =>
        {
            var (was, now) = (BtfCommand.Open(parsed, left, leftBase), BtfCommand.Open(parsed, right, parsed.GetValue(rightBase) is null ? leftBase : rightBase));
            return parsed.GetValue(format) == "structure" ? WriteStructure(was, now, output)
                : WriteChanges(was, now, parsed.GetRequiredValue(left), parsed.GetRequiredValue(right), parsed.GetRequiredValue(format), output);
        }));
        return command;
    }

    private static bool WriteStructure(BtfBlob left, BtfBlob right, TextWriter output)
    {
        var diff = BtfDiff.Compare(left, right);
        diff.Write(output);
        return diff.AreEqual;
    }

    private static bool WriteChanges(BtfBlob left, BtfBlob right, string leftPath, string rightPath, string format, TextWriter output)
    {
        var changes = KernelComparison.Compare(left, right, BtfCommand.NameOf(leftPath), BtfCommand.NameOf(rightPath));
        // One write: a console passes each on.
        using var text = new StringWriter();
        if (format == "json")
            text.Write(JsonSerializer.Serialize(changes, TextJson.Default.KernelChanges) + "\n");
        else if (format == "md")
            ChangesWriter.WriteMarkdown(changes, text);
        else
            ChangesWriter.WriteText(changes, text);
        output.Write(text.ToString());
        return changes.AreEqual;
    }
}
