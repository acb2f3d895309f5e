using System.CommandLine;
using System.Text.Json;
using System.Text.RegularExpressions;
using Btf.CoRe;
using Btf.CoRe.Compatibility;
using Btf.Format;

namespace Btf.Cli;

/// <summary><c>btf compat</c>: on which kernels will BPF objects load, and if not, why. Status 1 if there is an error on any.</summary>
internal static partial class CompatCommand
{
    public static Command Create()
    {
        var objects = new Argument<string[]>("OBJECT") { Description = "BPF objects built with clang -g.", Arity = ArgumentArity.OneOrMore };
        var kernels = new Option<string[]>("--kernel") { Description = "BTF of a kernel, or a folder of .btf files; a branch is a folder.", Required = true, AllowMultipleArgumentsPerToken = true };
        var loader = new Option<string>("--loader") { Description = "libbpf or cilium: whose rules count.", DefaultValueFactory = _ => "libbpf" };
        loader.AcceptOnlyFromAmong("libbpf", "cilium");
        var format = new Option<string>("--format") { Description = "table, md or json.", DefaultValueFactory = _ => "table" };
        format.AcceptOnlyFromAmong("table", "md", "json");
        var command = new Command("compat", "Tell on which kernels BPF objects load and attach, and if not, why; status 1 if there is an error on any.")
        {
            objects, kernels, loader, format,
        };
        command.SetAction(parsed => BtfCommand.Run(parsed, output =>
        {
            var rules = parsed.GetValue(loader) == "cilium" ? CoreLoader.Cilium : CoreLoader.Libbpf;
            var checks = parsed.GetRequiredValue(objects).Select(path => (Check: new CompatibilityCheck(BpfObject.Open(path), rules), Report: new CompatibilityReport(Path.GetFileName(path), rules))).ToList();
            foreach (var path in parsed.GetRequiredValue(kernels).SelectMany(Files))
                Add(checks, path);
            List<CompatibilityReport> reports = [.. checks.Select(item => item.Report)];
            Write(reports, parsed.GetValue(format)!, output);
            return reports.TrueForAll(report => report.Verdict != Verdict.Error);
        }));
        return command;
    }

    private static IEnumerable<string> Files(string path) => Directory.Exists(path)
        ? Directory.EnumerateFiles(path, "*.btf", SearchOption.AllDirectories).Order(VersionOrder.Instance)
        : [path];

    private static void Add(List<(CompatibilityCheck Check, CompatibilityReport Report)> checks, string path)
    {
        var target = new CoreTarget(BtfFile.Open(path));
        var name = Path.GetFileNameWithoutExtension(path);
        var kernel = new ReportKernel(name, Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path))) ?? "", null);
        foreach (var (check, report) in checks)
            report.Add(kernel, check.Check(target, KernelVersion.Of(name)));
    }

    private static void Write(List<CompatibilityReport> reports, string format, TextWriter output)
    {
        if (format == "json")
        {
            using var buffer = new MemoryStream();
            using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
                ReportWriter.WriteJson(reports, json);
            output.Write(System.Text.Encoding.UTF8.GetString(buffer.ToArray()));
            output.Write('\n');
        }
        else if (format == "md")
        {
            ReportWriter.WriteMarkdown(reports, output);
        }
        else
        {
            ReportWriter.WriteTable(reports, output);
        }
    }

    /// <summary>Runs of digits by their number: 6.1.0-9 before 6.1.0-10. (.NET's own numeric ordering wants ICU.)</summary>
    private sealed class VersionOrder : IComparer<string>
    {
        public static readonly VersionOrder Instance = new();

        public int Compare(string? x, string? y) => string.CompareOrdinal(Padded(x ?? ""), Padded(y ?? ""));

        private static string Padded(string text) => Digits().Replace(text, match => match.Value.PadLeft(12, '0'));
    }

    [GeneratedRegex("[0-9]+", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Digits();
}
