using System.IO.Compression;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Archive.Api.Objects;
using Btf.CoRe;
using Btf.CoRe.Compatibility;

namespace Archive.Api.Pages.Compatibility;

/// <summary>What was asked: beside it in the packed form are the objects, by their places in <paramref name="Objects"/>.</summary>
/// <param name="Objects">Their names.</param>
internal sealed record RunQuestion(IReadOnlyList<string> Objects, CoreLoader Loader, string Selection, IReadOnlyList<SelectedKernel> Kernels, long Bytes);

/// <summary>What came of it.</summary>
/// <param name="Problem">Why there are no reports.</param>
internal sealed record RunAnswer(IReadOnlyList<RunReport> Reports, string? Problem);

/// <param name="Rows">The class of each of the question's kernels.</param>
internal sealed record RunReport(IReadOnlyList<CompatibilityResult> Classes, IReadOnlyList<int> Rows);

/// <summary>Questions and answers as bytes: zip files.</summary>
internal static class RunDocuments
{
    private const string Head = "run.json";

    public static byte[] Pack(CompatibilityRun run)
    {
        var question = new RunQuestion([.. run.Objects.Select(item => item.Name)], run.Loader, run.Selection, run.Kernels, run.Bytes);
        return Zip(question, RunJson.Default.RunQuestion, [.. run.Objects.Select(item => item.Bytes)]);
    }

    /// <exception cref="InvalidDataException">It is not what <see cref="Pack"/> wrote.</exception>
    public static CompatibilityRun Unpack(RunAddress address, byte[] bytes)
    {
        using var zip = new ZipArchive(new MemoryStream(bytes));
        var question = Read(zip, RunJson.Default.RunQuestion);
        var objects = question.Objects.Select((name, index) => UploadedObjects.Parse(name, Content(zip, $"{index}"))).ToList();
        return new CompatibilityRun(address.Id, objects, question.Loader, question.Selection, question.Kernels, question.Bytes, address.Expires);
    }

    public static byte[] PackAnswer(CompatibilityRun run)
    {
        var reports = (run.Reports ?? []).Select(report => new RunReport(report.Classes, [.. report.Rows.Select(row => row.Class)]));
        return Zip(new RunAnswer([.. reports], run.Problem), RunJson.Default.RunAnswer, []);
    }

    /// <summary>Puts an answer where the run has none.</summary>
    public static void TakeAnswer(CompatibilityRun run, byte[] bytes)
    {
        using var zip = new ZipArchive(new MemoryStream(bytes));
        var answer = Read(zip, RunJson.Default.RunAnswer);
        if (answer.Problem is null)
            run.Reports = [.. answer.Reports.Select((report, index) => Report(run, run.Objects[index].Name, report))];
        else
            run.Problem = answer.Problem;
    }

    private static CompatibilityReport Report(CompatibilityRun run, string name, RunReport kept)
    {
        var report = new CompatibilityReport(name, run.Loader);
        foreach (var (kernel, row) in run.Kernels.Zip(kept.Rows))
            report.Add(CompatibilityReports.Shown(kernel), kept.Classes[row]);
        return report;
    }

    private static byte[] Zip<T>(T head, JsonTypeInfo<T> type, IReadOnlyList<ReadOnlyMemory<byte>> contents)
    {
        using var bytes = new MemoryStream();
        using (var zip = new ZipArchive(bytes, ZipArchiveMode.Create, leaveOpen: true))
        {
            using (var entry = zip.CreateEntry(Head, CompressionLevel.Fastest).Open())
                JsonSerializer.Serialize(entry, head, type);
            for (var i = 0; i < contents.Count; i++)
            {
                using var entry = zip.CreateEntry($"{i}", CompressionLevel.Fastest).Open();
                entry.Write(contents[i].Span);
            }
        }
        return bytes.ToArray();
    }

    private static T Read<T>(ZipArchive zip, JsonTypeInfo<T> type) => JsonSerializer.Deserialize(Content(zip, Head), type) ?? throw new InvalidDataException($"{Head} is null");

    private static byte[] Content(ZipArchive zip, string name)
    {
        var entry = zip.GetEntry(name) ?? throw new InvalidDataException($"{name} is not in the run");
        using var bytes = new MemoryStream((int)entry.Length);
        using var content = entry.Open();
        content.CopyTo(bytes);
        return bytes.ToArray();
    }
}

[JsonSerializable(typeof(RunQuestion))]
[JsonSerializable(typeof(RunAnswer))]
internal sealed partial class RunJson : JsonSerializerContext;
