using System.Collections.Concurrent;
using System.Globalization;
using System.Text.RegularExpressions;
using Btf.CoRe;
using Btf.Format;
using TestKit;

namespace Archive.EndToEnd.Tests.CoRe;

/// <summary>What each relocation comes to, beside libbpf: its log says what it puts into every instruction.</summary>
[Trait("Category", "Real")]
public sealed partial class RelocationValueTests
{
    private const string Poison = "poison";
    private const string Refusal = "refusal";

    [Fact]
    public void EveryInstructionGetsLibbpfsValue()
    {
        var problems = new ConcurrentBag<string>();
        var compared = 0;
        foreach (var kernel in RealKernels.All.Where(kernel => kernel.Name is "bullseye-cloud-amd64" or "trixie-s390x" or "sid-cloud-arm64"))
        {
            var target = new CoreTarget(BtfFile.Open(kernel.BtfPath));
            Parallel.ForEach(Objects(), ParallelLoop.Bounded, file => Interlocked.Add(ref compared, Compare(file.Path, kernel.BtfPath, target, problem => problems.Add($"{file} on {kernel}: {problem}"))));
        }
        Assert.True(problems.IsEmpty, $"{problems.Count} differ:\n{string.Join('\n', problems.Order(StringComparer.Ordinal).Take(50))}");
        Assert.True(compared > 15_000, $"{compared} values");
    }

    [Fact]
    public void EveryInstructionOfTheSelftestsGetsLibbpfsValue()
    {
        var problems = new List<string>();
        var compared = CoreRelocPair.All().Sum(pair =>
            Compare(pair.ObjectPath, pair.BtfPath, new CoreTarget(BtfFile.Open(pair.BtfPath)), problem => problems.Add($"{pair.Case}: {problem}")));
        Assert.True(problems.Count == 0, string.Join('\n', problems));
        Assert.True(compared > 900, $"{compared} values");
    }

    [Fact]
    public void MinimalBtfGivesTheValuesOfTheWhole()
    {
        var compared = 0;
        foreach (var kernel in RealKernels.All)
        {
            var whole = new CoreTarget(BtfFile.Open(kernel.BtfPath));
            foreach (var file in Objects())
            {
                var item = BpfObject.Open(file.Path);
                var minimal = new CoreTarget(BtfBlob.Parse(MinimalBtf.Make(whole, [item])));
                var (wanted, given) = (Outcomes(item, whole), Outcomes(item, minimal));
                var first = wanted.Zip(given).ToList().FindIndex(pair => pair.First != pair.Second);
                Assert.True(first < 0, first < 0 ? "" : $"{file} on {kernel}, relocation {first}: {wanted[first]} {given[first]}");
                compared += wanted.Count;
            }
        }
        Assert.True(compared > 35_000, $"{compared} values");
    }

    /// <summary>What may differ: ids of the target's types, and for what reason something is absent.</summary>
    private static List<CoreOutcome> Outcomes(BpfObject item, CoreTarget target)
    {
        var resolver = new CoreResolver(item.Btf, target);
        return [.. item.Relocations.Select(relocation => Comparable(relocation.Kind, resolver.Resolve(relocation)))];
    }

    private static CoreOutcome Comparable(CoreRelocationKind kind, CoreOutcome outcome) => outcome with
    {
        Failure = outcome.Failure.IsAbsence() ? CoreFailure.NoSuchType : outcome.Failure,
        TargetValue = kind == CoreRelocationKind.TypeIdTarget ? Math.Min(outcome.TargetValue, 1) : outcome.TargetValue,
    };

    private static IEnumerable<BpfObjectFile> Objects() => BpfObjectCorpus.LibbpfTools.Concat(BpfObjectCorpus.Selftests)
        .Where(file => file.Name.StartsWith("bookworm-amd64", StringComparison.Ordinal) || file.Name.StartsWith("sid-arm64", StringComparison.Ordinal) || file.Name.StartsWith("selftests", StringComparison.Ordinal))
        .Where(file => RealObjects.HasRelocations(file.Path));

    /// <returns>How many relocations both had a result for.</returns>
    private static int Compare(string objectPath, string btf, CoreTarget target, Action<string> report)
    {
        var theirs = Libbpf(objectPath, btf);
        var ours = Ours(BpfObject.Open(objectPath), target).Take(theirs.Count).ToList();
        for (var i = 0; i < theirs.Count; i++)
        {
            if (i >= ours.Count || ours[i].Result != theirs[i].Result)
            {
                report($"relocation {i} of {theirs.Count}, {theirs[i].At}: {theirs[i].Result}, ours {(i < ours.Count ? ours[i] : "none")}");
                break;
            }
        }
        return theirs.Count;
    }

    /// <summary>The results in libbpf's order. It stops at the first relocation that it refuses; or before all of them, at an extern that the running kernel lacks.</summary>
    private static List<(string At, string Result)> Libbpf(string objectPath, string btf)
    {
        var log = Tool.Try(BpfLoader.ProgramPath, ["relocations", objectPath, btf]).Output;
        var results = Patched().Matches(log)
            .Select(match => (At: match.Groups["at"].Value, Result: match.Groups["value"] is { Success: true } value ? Masked(value.Value, match.Groups["kind"].Value) : Poison))
            .DistinctBy(result => result.At) // Both halves of a wide load are poisoned.
            .ToList();
        if (log.Contains("failed to perform CO-RE relocations", StringComparison.Ordinal))
            results.Add(("end", Refusal));
        return results;
    }

    private static string Masked(string value, string kind)
    {
        var number = value.StartsWith('-') ? (ulong)long.Parse(value, CultureInfo.InvariantCulture) : ulong.Parse(value, CultureInfo.InvariantCulture);
        return (kind == "LDIMM64" ? number : (uint)number).ToString(CultureInfo.InvariantCulture);
    }

    private static IEnumerable<(CoreRelocation Relocation, string Result)> Ours(BpfObject item, CoreTarget target)
    {
        var resolver = new CoreResolver(item.Btf, target);
        foreach (var section in item.Ext.Relocations)
        {
            var code = item.Code.Single(code => code.Name == item.Btf.Name(section.NameOffset));
            foreach (var relocation in section.Records)
                yield return (relocation, Patch(code, (int)relocation.InstructionOffset / BpfInstruction.ByteSize, resolver.Resolve(relocation)));
        }
    }

    private static string Patch(BpfCode code, int index, in CoreOutcome outcome)
    {
        if (outcome.Failure.IsRefusal())
            return Refusal;
        var failure = CorePatch.Apply(code[index], index + 1 < code.Count ? code[index + 1] : default, outcome, out var patched);
        if (CorePatch.IsPoisoned(outcome, failure))
            return Poison;
        if (failure.IsRefusal())
            return Refusal;
        var value = patched.First.Class switch
        {
            BpfClass.Ld => (uint)patched.First.Immediate | (ulong)(uint)patched.Second.Immediate << 32,
            BpfClass.Ldx or BpfClass.St or BpfClass.Stx => (uint)patched.First.Offset,
            _ => (uint)patched.First.Immediate,
        };
        return value.ToString(CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"(?<at>prog '[^']*': relo #\d+): (?:patched insn #\d+ \((?<kind>[^)]+)\) (?:imm|off|imm64) -?\d+ -> (?<value>-?\d+)|substituting insn #\d+ w/ invalid insn)")]
    private static partial Regex Patched();
}
