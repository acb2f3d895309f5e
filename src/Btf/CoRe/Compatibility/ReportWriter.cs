using System.Text.Json;

namespace Btf.CoRe.Compatibility;

/// <summary>Reports for programs and for people.</summary>
public static class ReportWriter
{
    /// <summary>Raised when a field changes its meaning or goes; new fields do not count.</summary>
    public const int SchemaVersion = 1;

    /// <summary>One JSON object per report, as <c>docs/compatibility-report.md</c> describes it.</summary>
    public static void WriteJson(IReadOnlyList<CompatibilityReport> reports, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("schema", SchemaVersion);
        json.WriteString("verdict", Word(reports.Select(report => report.Verdict).DefaultIfEmpty().Max()));
        json.WriteStartArray("objects");
        foreach (var report in reports)
            WriteJson(report, json);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteJson(CompatibilityReport report, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("object", report.ObjectName);
        json.WriteString("loader", report.Loader.ToString().ToLowerInvariant());
        json.WriteString("verdict", Word(report.Verdict));
        foreach (var verdict in Enum.GetValues<Verdict>())
            json.WriteNumber(Word(verdict), report.Count(verdict));
        WriteBranches(report, json);
        WriteClasses(report, json);
        json.WriteStartArray("kernels");
        foreach (var row in report.Rows)
            WriteRow(row, json);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteRow(ReportRow row, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("kernel", row.Kernel.Name);
        json.WriteString("branch", row.Kernel.Branch);
        if (row.Kernel.Digest is { } digest)
            json.WriteString("sha256", digest);
        json.WriteString("verdict", Word(row.Verdict));
        json.WriteNumber("class", row.Class);
        json.WriteEndObject();
    }

    private static void WriteBranches(CompatibilityReport report, Utf8JsonWriter json)
    {
        json.WriteStartArray("branches");
        foreach (var branch in report.Branches())
        {
            json.WriteStartObject();
            json.WriteString("branch", branch.Name);
            json.WriteNumber("kernels", branch.KernelCount);
            json.WriteNumber("good", branch.GoodCount);
            json.WriteString("first_good", branch.FirstGood);
            json.WriteString("last_good", branch.LastGood);
            json.WriteStartArray("changes");
            foreach (var change in branch.Changes)
                WriteRow(change, json);
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteClasses(CompatibilityReport report, Utf8JsonWriter json)
    {
        json.WriteStartArray("classes");
        foreach (var result in report.Classes)
        {
            json.WriteStartObject();
            json.WriteString("verdict", Word(result.Verdict));
            json.WriteStartArray("findings");
            foreach (var finding in result.Findings)
                WriteFinding(finding, json);
            json.WriteEndArray();
            if (result.Omitted > 0)
                json.WriteNumber("omitted", result.Omitted);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private static void WriteFinding(Finding finding, Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("verdict", Word(finding.Verdict));
        json.WriteString("code", finding.Code);
        json.WriteString("kind", finding.Kind);
        json.WriteString("access", finding.Access);
        json.WriteString("explanation", finding.Explanation);
        json.WriteString("section", finding.Section);
        if (finding.Instruction >= 0)
        {
            json.WriteString("program", finding.Program);
            json.WriteNumber("instruction", finding.Instruction);
            json.WriteString("source", finding.Source);
            json.WriteString("text", finding.SourceText);
        }
        json.WriteEndObject();
    }

    /// <summary>A summary, a table of branches, and each class of findings with the kernels it holds for.</summary>
    public static void WriteMarkdown(IReadOnlyList<CompatibilityReport> reports, TextWriter output)
    {
        foreach (var report in reports)
        {
            output.Write($"## {Escape(report.ObjectName)}: {Word(report.Verdict)} ({report.Loader.ToString().ToLowerInvariant()})\n\n");
            output.Write($"{report.Count(Verdict.Ok)} ok, {report.Count(Verdict.Guarded)} guarded, {report.Count(Verdict.Error)} error of {report.Rows.Count} kernels.\n\n");
            output.Write("| branch | kernels | good | first good | last good |\n|---|---|---|---|---|\n");
            foreach (var branch in report.Branches())
                output.Write($"| {Escape(branch.Name)} | {branch.KernelCount} | {branch.GoodCount} | {Escape(branch.FirstGood ?? "none")} | {Escape(branch.LastGood ?? "none")} |\n");
            output.Write('\n');
            WriteMarkdownClasses(report, output);
        }
    }

    private static void WriteMarkdownClasses(CompatibilityReport report, TextWriter output)
    {
        for (var i = 0; i < report.Classes.Count; i++)
        {
            var result = report.Classes[i];
            if (result.Findings.Count + result.Omitted == 0)
                continue;
            var kernels = report.Rows.Where(row => row.Class == i).Select(row => row.Kernel.Name).ToList();
            output.Write($"### {Word(result.Verdict)} on {kernels.Count}: {Escape(Span(kernels))}\n\n");
            foreach (var finding in Grouped(result))
                output.Write($"- **{Word(finding.Verdict)}** `{finding.Access}` ({finding.Kind}): {Escape(finding.Explanation)}{Escape(Place(finding))}\n");
            if (result.Omitted > 0)
                output.Write($"- and {result.Omitted} more\n");
            output.Write('\n');
        }
    }

    /// <summary>One line per kernel, and below them what each class found.</summary>
    public static void WriteTable(IReadOnlyList<CompatibilityReport> reports, TextWriter output)
    {
        foreach (var report in reports)
        {
            output.Write($"{report.ObjectName} ({report.Loader.ToString().ToLowerInvariant()})\n");
            var width = report.Rows.Select(row => row.Kernel.Name.Length).DefaultIfEmpty().Max();
            foreach (var row in report.Rows)
                output.Write($"  {row.Kernel.Name.PadRight(width)}  {Word(row.Verdict),-7}{(report.Classes[row.Class].Findings.Count > 0 ? $"  #{row.Class + 1}" : "")}\n");
            for (var i = 0; i < report.Classes.Count; i++)
                WriteTableClass(report.Classes[i], i, output);
            output.Write($"  {report.Count(Verdict.Ok)} ok, {report.Count(Verdict.Guarded)} guarded, {report.Count(Verdict.Error)} error\n");
        }
    }

    private static void WriteTableClass(CompatibilityResult result, int index, TextWriter output)
    {
        if (result.Findings.Count + result.Omitted == 0)
            return;
        output.Write($"  #{index + 1}\n");
        foreach (var finding in Grouped(result))
            output.Write($"    {Word(finding.Verdict),-7} {finding.Access} ({finding.Kind}): {finding.Explanation}{Place(finding)}\n");
        if (result.Omitted > 0)
            output.Write($"    and {result.Omitted} more\n");
    }

    /// <summary>A bitfield is read by half a dozen relocations: for people, those of one access in one function are one line, with the worst verdict.</summary>
    private static IEnumerable<Finding> Grouped(CompatibilityResult result) => result.Findings
        .GroupBy(finding => (finding.Access, finding.Explanation, finding.Section, finding.Program))
        .Select(group => group.MaxBy(finding => finding.Verdict)! with { Kind = string.Join(", ", group.Select(finding => finding.Kind).Distinct()) });

    private static string Place(Finding finding) => finding.Instruction < 0
        ? $" [{finding.Section}]"
        : $" [{finding.Section}, {finding.Program}+{finding.Instruction}{(finding.Source.Length > 0 ? $", {finding.Source[(finding.Source.LastIndexOf('/') + 1)..]}: {finding.SourceText}" : "")}]";

    private static string Span(List<string> kernels) => kernels.Count <= 3 ? string.Join(", ", kernels) : $"{kernels[0]} … {kernels[^1]}";

    private static string Word(Verdict verdict) => verdict.ToString().ToLowerInvariant();

    private static string Escape(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).ReplaceLineEndings(" ");
}
