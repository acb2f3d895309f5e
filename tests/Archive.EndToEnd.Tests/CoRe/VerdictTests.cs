using System.Collections.Concurrent;
using Btf.CoRe;
using Btf.CoRe.Compatibility;
using Btf.Format;
using TestKit;

namespace Archive.EndToEnd.Tests.CoRe;

/// <summary>
/// Verdicts beside the verifier's: libbpf loads each program of real objects into the running kernel, relocated by the BTF of another. A
/// program that reaches what could not be relocated is refused for it; one that is loaded reaches nothing of the kind.
/// </summary>
[Trait("Category", "Real")]
public sealed class VerdictTests
{
    [Fact]
    public void ErrorIsWhatTheVerifierRefuses()
    {
        var (agreed, wrong) = (new ConcurrentDictionary<Verdict, int>(), new ConcurrentBag<string>());
        var objects = BpfObjectCorpus.LibbpfTools.Where(file => file.Name.StartsWith("bookworm-amd64/", StringComparison.Ordinal)).ToList();
        foreach (var kernel in RealKernels.All)
        {
            var target = new CoreTarget(BtfFile.Open(kernel.BtfPath));
            Parallel.ForEach(objects, ParallelLoop.Bounded, file =>
            {
                var findings = new CompatibilityCheck(BpfObject.Open(file.Path)).Check(target).Findings.Where(finding => finding.Instruction >= 0).ToList();
                var ours = findings.Count == 0 ? Verdict.Ok : findings.Max(finding => finding.Verdict);
                switch (OfVerifier(file.Path, kernel.BtfPath))
                {
                    case null:
                        break;
                    case var isRefused when isRefused == (ours == Verdict.Error):
                        agreed.AddOrUpdate(ours, 1, (_, count) => count + 1);
                        break;
                    case var isRefused:
                        wrong.Add($"{file} on {kernel}: we say {ours}, the verifier {(isRefused == true ? "refuses" : "loads")}: {string.Join("; ", findings.Select(finding => $"{finding.Program}+{finding.Instruction} {finding.Verdict} {finding.Access} {finding.Code}").Take(5))}");
                        break;
                }
            });
        }
        Assert.True(wrong.IsEmpty, $"{wrong.Count} beside {string.Join(", ", agreed)}:\n{string.Join('\n', wrong.Order(StringComparer.Ordinal).Take(40))}");
        Assert.True(agreed.GetValueOrDefault(Verdict.Error) >= 60 && agreed.GetValueOrDefault(Verdict.Guarded) >= 10 && agreed.GetValueOrDefault(Verdict.Ok) >= 100, string.Join(", ", agreed));
    }

    /// <returns>Whether a program is refused for a relocation; null if that cannot be told, since others are refused for something else first.</returns>
    private static bool? OfVerifier(string path, string btf)
    {
        var result = Tool.Try(BpfLoader.ProgramPath, ["verdicts", path, btf]);
        var lines = result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (Array.Exists(lines, line => line.EndsWith(" core", StringComparison.Ordinal)))
            return true;
        return result.Status == 0 && lines.Length > 0 && Array.TrueForAll(lines, line => line.EndsWith(" ok", StringComparison.Ordinal)) ? false : null;
    }
}
