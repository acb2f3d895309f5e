using System.CommandLine;

namespace Benchmarks;

/// <summary>
/// Whole processes against the peer, on the same file with the page cache warm:
/// <c>convert VMLINUX</c> (DWARF → BTF, against pahole) and <c>package DEB</c> (.deb → .btf.tar.xz, against the pipeline of
/// ar, xz and tar that only gets at the kernel image). Minimal BTF: <see cref="MinimizeCommands"/>.
/// </summary>
internal static class BenchmarkCommand
{
    internal static readonly Option<int> Rounds = new("--runs") { Description = "Measured runs of each side.", DefaultValueFactory = _ => 5 };

    private static readonly Option<int> Threads = new("--threads")
    { Description = "Threads of either side.", DefaultValueFactory = _ => Environment.ProcessorCount };

    private static readonly Option<FileInfo?> Extractor = new("--extractor")
    { Description = "The published Archive.Extractor; published anew from this checkout if not given." };

    private static readonly Option<FileInfo?> Json = new("--json") { Description = "Writes every run and the medians to this file." };

    private static readonly Option<string> Source = new("--source") { Description = "Where our side takes the BTF from: dwarf, or auto as by default.", DefaultValueFactory = _ => "dwarf" };

    private static readonly Option<string[]> Paholes = new("--pahole")
    { Description = "The pahole to run against; several are measured in one contest.", DefaultValueFactory = _ => ["pahole"] };

    public static RootCommand Create()
    {
        Rounds.Validators.Add(static result =>
        {
            if (result.Tokens.Count > 0 && result.GetValueOrDefault<int>() < 1)
                result.AddError("--runs is to be 1 or more");
        });
        return new RootCommand("Measures our programs against their peers.") { Convert(), Package(), MinimizeCommands.Minimize(), MinimizeCommands.Archive(), StampedeCommand.Create(), PageCommands.Pages(), ApiCommand.Create(), ScaleCommand.Create(), WorkersCommand.Create(), PlanCommand.Create(), PlanCommand.Here() };
    }

    private static Command Convert()
    {
        var image = new Argument<FileInfo>("VMLINUX") { Description = "An ELF kernel image with DWARF." }.AcceptExistingOnly();
        var command = new Command("convert", "DWARF → BTF, against pahole.") { image, Paholes, Rounds, Threads, Extractor, Json };
        command.SetAction(parsed => Run(parsed, scratch => Converters(parsed, parsed.GetRequiredValue(image), scratch)));
        return command;
    }

    private static Command Package()
    {
        var package = new Argument<FileInfo>("DEB") { Description = "A Debian debug package with a kernel image." }.AcceptExistingOnly();
        var command = new Command("package", ".deb → .btf.tar.xz, against ar, xz and tar up to the end of the image.") { package, Source, Rounds, Threads, Extractor, Json };
        command.SetAction(parsed => Run(parsed, scratch => Unpackers(parsed, parsed.GetRequiredValue(package), scratch)));
        return command;
    }

    internal static void InScratch(Action<string> action)
    {
        var scratch = Directory.CreateTempSubdirectory("btf-benchmark-");
        try
        {
            action(scratch.FullName);
        }
        finally
        {
            scratch.Delete(recursive: true);
        }
    }

    internal static void Write(ParseResult parsed, string title, IReadOnlyList<Contestant> contestants)
    {
        var report = new Report(title, Contest.Hold(contestants, parsed.GetValue(Rounds), Console.Error.WriteLine));
        Console.Write(report.ToMarkdown());
        if (parsed.GetValue(Json) is { } json)
            File.WriteAllText(json.FullName, report.ToJson());
    }

    private static void Run(ParseResult parsed, Func<string, (string Title, IReadOnlyList<Contestant> Contestants)> prepare) => InScratch(scratch =>
    {
        var (title, contestants) = prepare(scratch);
        Write(parsed, title, contestants);
    });

    private static (string, IReadOnlyList<Contestant>) Converters(ParseResult parsed, FileInfo image, string scratch)
    {
        var contestants = new List<Contestant> { Ours(parsed, image, Path.Combine(scratch, "ours.btf"), scratch) };
        foreach (var pahole in parsed.GetRequiredValue(Paholes))
        {
            var output = Path.Combine(scratch, $"peer{contestants.Count}.btf");
            contestants.Add(new Contestant(
                NameOf(pahole, contestants), [pahole, $"-j{parsed.GetValue(Threads)}", "--btf_gen_floats", $"--btf_encode_detached={output}", image.FullName], output));
        }
        return ($"DWARF → BTF, {TitleOf(parsed, image)}", contestants);
    }

    private static (string, IReadOnlyList<Contestant>) Unpackers(ParseResult parsed, FileInfo package, string scratch)
    {
        var open = $"ar p {Quoted(package.FullName)} data.tar.xz | xz -dc -T{parsed.GetValue(Threads)} | tar";
        // Reads the package to its end once: both the page cache and the member's name come of it.
        var member = ChildProcess.Ask("sh", "-c", $"{open} -t | grep -E -m1 '/(vmlinux-[^/]*|vmlinux)$'");
        string[] pipeline = ["sh", "-c", $"{open} -xO --occurrence=1 {Quoted(member)} >/dev/null"];
        return ($".deb → .btf.tar.xz, source {parsed.GetRequiredValue(Source)}, {TitleOf(parsed, package)}",
            [Ours(parsed, package, Path.Combine(scratch, "ours.btf.tar.xz"), scratch, parsed.GetRequiredValue(Source)), new("ar, xz, tar", pipeline, null, IsPipeline: true)]);
    }

    private static Contestant Ours(ParseResult parsed, FileInfo input, string output, string scratch, string source = "dwarf")
    {
        var program = parsed.GetValue(Extractor)?.FullName ?? PublishedProgram.Publish("Archive.Extractor", scratch);
        return new Contestant(
            "ours", [program, "extract", input.FullName, "-o", output, "--source", source, "--threads", $"{parsed.GetValue(Threads)}"], output);
    }

    private static string NameOf(string pahole, List<Contestant> others)
    {
        var name = $"pahole {ChildProcess.Ask(pahole, "--version")}";
        return others.Exists(other => other.Name == name) ? $"{name} ({pahole})" : name;
    }

    private static string TitleOf(ParseResult parsed, FileInfo input) =>
        $"{input.Name} ({input.Length >> 20} MiB), {parsed.GetValue(Threads)} threads on {Environment.ProcessorCount} processors";

    private static string Quoted(string path) => $"'{path.Replace("'", "'\\''")}'";
}
