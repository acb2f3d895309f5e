using System.CommandLine;
using System.Text.Json;
using Btf.Text;
using Btf.Text.Layout;

namespace Btf.Cli;

/// <summary><c>btf type</c>: what a name stands for, a struct with its layout. Status 1 if there is nothing of that name.</summary>
internal static class TypeCommand
{
    public static Command Create()
    {
        var file = BtfCommand.FileArgument("FILE");
        var name = new Argument<string>("NAME") { Description = "Of a struct, union, enum, typedef, function or variable; 'struct NAME' means that kind alone." };
        var format = new Option<string>("--format") { Description = "text: as pahole prints it. json.", DefaultValueFactory = _ => "text" };
        format.AcceptOnlyFromAmong("text", "json");
        var baseFile = BtfCommand.BaseOption();
        var command = new Command("type", "Write the types of a name: layout in bytes and bits, holes, cache lines; values; prototype. Status 1 if there is none.") { file, name, format, baseFile };
        command.SetAction(parsed => BtfCommand.Run(parsed, output =>
        {
            var asked = parsed.GetRequiredValue(name);
            var found = TypeDescription.Find(BtfCommand.Open(parsed, file, baseFile), asked);
            if (parsed.GetValue(format) == "json")
                output.Write(JsonSerializer.Serialize(new TypesDocument(asked, found), TextJson.Default.TypesDocument) + "\n");
            else
                Write(found, output);
            return found.Count > 0;
        }));
        return command;
    }

    private static void Write(IReadOnlyList<TypeDescription> found, TextWriter output)
    {
        for (var i = 0; i < found.Count; i++)
        {
            output.Write(i == 0 ? "" : "\n");
            found[i].Write(output);
        }
    }
}
