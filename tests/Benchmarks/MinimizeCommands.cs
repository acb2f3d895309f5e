using System.CommandLine;

namespace Benchmarks;

/// <summary>Minimal BTF: <c>minimize KERNEL OBJECT…</c> against bpftool, and <c>archive DATA OBJECT</c>, the same for every kernel of an archive through the API.</summary>
internal static class MinimizeCommands
{
    private static readonly Argument<FileInfo[]> Objects = new Argument<FileInfo[]>("OBJECT") { Description = "BPF objects.", Arity = ArgumentArity.OneOrMore }.AcceptExistingOnly();

    private static readonly Option<string?> Program = new("--program") { Description = "The published program; published anew from this checkout if not given." };

    private static readonly Option<string> Bpftool = new("--bpftool") { Description = "The bpftool to run against.", DefaultValueFactory = _ => "bpftool" };

    public static Command Minimize()
    {
        var kernel = new Argument<FileInfo>("KERNEL") { Description = "BTF of a kernel, raw." }.AcceptExistingOnly();
        var command = new Command("minimize", "Minimal BTF by command line, all objects together; and of the first one in process, against bpftool's process.")
        {
            kernel, Objects, BenchmarkCommand.Rounds, Program, Bpftool,
        };
        command.SetAction(parsed => BenchmarkCommand.InScratch(scratch =>
        {
            var (file, objects, bpftool) = (parsed.GetRequiredValue(kernel).FullName, Paths(parsed), parsed.GetRequiredValue(Bpftool));
            var program = parsed.GetValue(Program) ?? PublishedProgram.Publish("Btf.Cli", scratch);
            BenchmarkCommand.Write(parsed, $"minimal BTF of {objects.Length} objects, cold",
            [
                new("ours", [program, "minimize", file, Path.Combine(scratch, "ours.btf"), .. objects], Path.Combine(scratch, "ours.btf")),
                new("bpftool", [bpftool, "gen", "min_core_btf", file, Path.Combine(scratch, "theirs.btf"), .. objects], Path.Combine(scratch, "theirs.btf")),
            ]);
            Console.Write(WarmMinimize.Measure(file, objects[0], bpftool, scratch, parsed.GetValue(BenchmarkCommand.Rounds)));
        }));
        return command;
    }

    public static Command Archive()
    {
        var data = new Argument<DirectoryInfo>("DATA") { Description = "Data directory of an archive." }.AcceptExistingOnly();
        var command = new Command("archive", "One request for all kernels of an archive, against unpacking each and bpftool.") { data, Objects, BenchmarkCommand.Rounds, Program, Bpftool };
        command.SetAction(parsed => BenchmarkCommand.InScratch(scratch =>
        {
            var (folder, objects) = (parsed.GetRequiredValue(data).FullName, Paths(parsed));
            using var api = ServedArchive.Start(parsed.GetValue(Program) ?? PublishedProgram.Publish("Archive.Api", scratch), folder);
            Console.Write($"{api.KernelCount} kernels, {api.PeakMebibytes} MiB before the first request\n\n");
            BenchmarkCommand.Write(parsed, $"minimal BTF of {objects.Length} objects for {api.KernelCount} kernels",
            [
                api.Post("/v1/minimize", objects, Path.Combine(scratch, "bundle"), "minimize"),
                api.Post("/v1/compat", objects, Path.Combine(scratch, "report"), "compat"),
                new("tar, bpftool", ["bash", "-c", ServedArchive.Loop, parsed.GetRequiredValue(Bpftool), Path.Combine(folder, "tree"), scratch, .. objects], null, IsPipeline: true),
            ]);
            Console.Write($"\n{api.PeakMebibytes} MiB after the last\n");
        }));
        return command;
    }

    private static string[] Paths(ParseResult parsed) => [.. parsed.GetRequiredValue(Objects).Select(file => file.FullName)];
}
