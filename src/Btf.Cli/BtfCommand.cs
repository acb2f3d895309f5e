using System.CommandLine;
using Btf.Format;
using Btf.Format.Validation;
using Btf.Text;
using Btf.Text.CSource;

namespace Btf.Cli;

/// <summary>The <c>btf</c> command. Exit status: 0 done, 1 the answer is no (different, not valid), 2 a command line or input that cannot be read.</summary>
public static class BtfCommand
{
    public const int Done = 0;
    public const int AnswerIsNo = 1;
    public const int BadInput = 2;

    /// <param name="arguments">The command line, without the command's name.</param>
    /// <param name="configuration">Where output goes; null for the console.</param>
    public static int Run(IReadOnlyList<string> arguments, InvocationConfiguration? configuration = null)
    {
        var parsed = Create().Parse(arguments);
        var status = parsed.Invoke(configuration);
        return parsed.Errors.Count > 0 ? BadInput : status;
    }

    private static RootCommand Create() => new("Reads, checks and compares BTF, raw or in the .BTF section of an ELF file.")
    {
        Dump(),
        DiffCommand.Create(),
        Validate(),
        Stat(),
        TypeCommand.Create(),
        OffsetsCommand.Create(),
        MinimizeCommand.Create(),
        CompatCommand.Create(),
    };

    private static Command Dump()
    {
        var file = FileArgument("FILE");
        var format = new Option<string>("--format") { Description = "raw: a line per type and member. c: vmlinux.h. Both are bpftool's text.", DefaultValueFactory = _ => "raw" };
        format.AcceptOnlyFromAmong("raw", "c");
        var baseFile = BaseOption();
        var command = new Command("dump", "Write every type as text.") { file, format, baseFile };
        command.SetAction(parsed => Run(parsed, output =>
        {
            var blob = Open(parsed, file, baseFile);
            if (parsed.GetValue(format) == "c")
                CDump.Write(blob, output);
            else
                RawDump.Write(blob, output);
        }));
        return command;
    }

    private static Command Validate()
    {
        var file = FileArgument("FILE");
        var baseFile = BaseOption();
        var command = new Command("validate", "Check the kernel's rules and that no type is there twice; status 1 if broken.") { file, baseFile };
        command.SetAction(parsed => Run(parsed, output =>
        {
            var blob = Open(parsed, file, baseFile);
            var findings = BtfValidator.Check(blob).Concat(BtfValidator.CheckDeduplicated(blob)).ToList();
            foreach (var finding in findings)
                output.WriteLine(finding);
            return findings.Count == 0;
        }));
        return command;
    }

    private static Command Stat()
    {
        var file = FileArgument("FILE");
        var baseFile = BaseOption();
        var command = new Command("stat", "Count the types of each kind.") { file, baseFile };
        command.SetAction(parsed => Run(parsed, output =>
        {
            var blob = Open(parsed, file, baseFile);
            var counts = blob.CountByKind();
            foreach (var kind in Enum.GetValues<BtfKind>().Where(kind => counts.ContainsKey(kind)))
                output.WriteLine($"{RawDump.KindName(kind),-12}{counts[kind],10}");
            output.WriteLine($"{"types",-12}{blob.TypeCount,10}");
            output.WriteLine($"{"bytes",-12}{blob.Bytes.Length,10}");
        }));
        return command;
    }

    internal static Argument<string> FileArgument(string name) => new(name) { Description = "Raw BTF, or an ELF file with a .BTF section." };

    internal static Option<string?> BaseOption() => new("--base") { Description = "The BTF that a module's split BTF builds on." };

    internal static BtfBlob Open(ParseResult parsed, Argument<string> file, Option<string?> baseFile)
    {
        var baseBtf = parsed.GetValue(baseFile) is { } path ? BtfFile.Open(path) : null;
        return BtfFile.Open(parsed.GetRequiredValue(file), baseBtf);
    }

    /// <summary>A file's name without .btf; a uname has dots of its own.</summary>
    internal static string NameOf(string path) =>
        Path.GetExtension(path) == ".btf" ? Path.GetFileNameWithoutExtension(path) : Path.GetFileName(path);

    internal static int Run(ParseResult parsed, Action<TextWriter> action) => Run(parsed, output =>
    {
        action(output);
        return true;
    });

    internal static int Run(ParseResult parsed, Func<TextWriter, bool> question)
    {
        try
        {
            return question(parsed.InvocationConfiguration.Output) ? Done : AnswerIsNo;
        }
        catch (Exception failure) when (failure is MalformedInputException or FormatException or IOException or UnauthorizedAccessException)
        {
            parsed.InvocationConfiguration.Error.WriteLine($"btf: {failure.Message}");
            return BadInput;
        }
    }
}
