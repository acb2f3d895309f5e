using Archive.Extractor;
using Btf.CoRe;
using Btf.Format;
using TestKit;

namespace Archive.EndToEnd.Tests.CoRe;

/// <summary>What each relocation comes to by the rules of cilium/ebpf, beside it.</summary>
[Trait("Category", "Real")]
public sealed class CiliumResolutionTests
{
    private const string Unreadable = "unreadable";

    [Theory]
    [InlineData("bullseye")]
    [InlineData("bookworm")]
    public void EveryRelocationOfRealObjectsComesToTheSame(string kernel)
    {
        var btf = KernelOf(kernel == "bullseye" ? KernelCorpus.BullseyeCloudAmd64 : KernelCorpus.BookwormCloudAmd64);
        var objects = BpfObjectCorpus.LibbpfTools.Concat(BpfObjectCorpus.Selftests).Select(file => file.Path).Where(path => RealObjects.HasRelocations(path) && IsKnown(path));

        var compared = Compare(btf, objects, out var problems);

        Assert.True(problems.Count == 0, $"{problems.Count} of {compared} differ:\n{string.Join('\n', problems.Take(50))}");
        Assert.True(compared > 3000, $"{compared} values");
    }

    [Fact]
    public void EveryRelocationOfTheSelftestsComesToTheSame()
    {
        var problems = new List<string>();
        var compared = 0;
        // The values that it makes of a bitfield of more than 8 bytes are not meant.
        foreach (var pair in CoreRelocPair.All().Where(pair => !pair.Case.Name.EndsWith("err_too_big_bitfield", StringComparison.Ordinal) && !BtfFile.Open(pair.BtfPath).CountByKind().ContainsKey(BtfKind.Enum64) && IsKnown(pair.ObjectPath)))
        {
            compared += Compare(pair.BtfPath, [pair.ObjectPath], out var found);
            problems.AddRange(found);
        }
        Assert.True(problems.Count == 0, $"{problems.Count} of {compared} differ:\n{string.Join('\n', problems)}");
        Assert.True(compared > 500, $"{compared} values");
    }

    /// <summary>Without what the distribution's version does not know.</summary>
    private static bool IsKnown(string path) => BpfObject.Open(path).Relocations.All(relocation => relocation.Kind != CoreRelocationKind.TypeMatches);

    /// <summary>Converted without ENUM64.</summary>
    private static string KernelOf(KernelCorpus corpus)
    {
        var package = corpus.PackagePath;
        return Path.Combine(TestCache.Made($"no-enum64-{corpus.Uname}", corpus.PackageVersion, target =>
        {
            var options = new ConversionOptions(BtfSource.Dwarf, Environment.ProcessorCount) { Features = BtfFeatures.Var };
            var (_, kernel) = new KernelExtractor(target, options).ExtractFile(package);
            File.WriteAllBytes(Path.Combine(target, "kernel.btf"), kernel.Bytes);
        }), "kernel.btf");
    }

    private static int Compare(string btf, IEnumerable<string> objects, out List<string> problems)
    {
        problems = [];
        var compared = 0;
        var target = new CoreTarget(BtfFile.Open(btf));
        foreach (var rows in CiliumOracle.Resolve(btf, objects).GroupBy(row => row.Object))
        {
            var item = BpfObject.Open(rows.Key);
            foreach (var program in rows.GroupBy(row => row.Program).Where(program => !program.First().Result.StartsWith(Unreadable, StringComparison.Ordinal)))
                compared += Compare(item, target, [.. program], problems);
        }
        return compared;
    }

    private static int Compare(BpfObject item, CoreTarget target, List<CiliumOracle.Row> theirs, List<string> problems)
    {
        var sites = Sites(item, theirs);
        var resolution = CoreResolution.Create(CoreLoader.Cilium, item, target);
        var ours = sites.ConvertAll(site => (site.Place, site.Relocation, Outcome: resolution.Resolve(site.Relocation, out _, out _)));
        if (theirs[0].Instruction < 0)
        {
            if (!ours.Exists(one => one.Outcome.Failure.IsRefusal()))
                problems.Add($"{theirs[0]}, ours loads");
            return 1;
        }
        // 0.9 asks for the sign of the struct, later versions for that of its field.
        theirs = theirs.FindAll(row => !row.Result.StartsWith("signed=0", StringComparison.Ordinal));
        var byPlace = ours.ToLookup(one => one.Place, one => Text(one.Relocation, one.Outcome));
        foreach (var row in theirs)
        {
            var wanted = row.Result.Contains("poison", StringComparison.Ordinal) ? row.Result : $"{row.Result.Split('=')[0]}={row.Result.Split("->")[1]}";
            if (!byPlace[(row.Function, row.Instruction)].Contains(wanted))
                problems.Add($"{row}, ours {string.Join(' ', byPlace[(row.Function, row.Instruction)])}");
        }
        return theirs.Count;
    }

    /// <summary>The relocations of the functions that are loaded together, by function and instruction.</summary>
    private static List<((string, int) Place, CoreRelocation Relocation)> Sites(BpfObject item, List<CiliumOracle.Row> rows)
    {
        var functions = rows.SelectMany(row => row.Function.Split(',')).ToHashSet(StringComparer.Ordinal);
        var sites = new List<((string, int), CoreRelocation)>();
        foreach (var section in item.Ext.Relocations)
        {
            var code = item.Code.Single(code => code.Name == item.Btf.Name(section.NameOffset));
            foreach (var relocation in section.Records)
            {
                var instruction = (int)relocation.InstructionOffset / BpfInstruction.ByteSize;
                if (code.FunctionAt(instruction) is { } function && functions.Contains(function.Name))
                    sites.Add(((function.Name, instruction - function.Start), relocation));
            }
        }
        return sites;
    }

    private static string Text(CoreRelocation relocation, in CoreOutcome outcome) =>
        outcome.Failure.IsRefusal() ? $"refused: {outcome.Failure}" : $"{relocation.Kind.LogName()}={(outcome.IsPoison ? "poison" : (uint)outcome.TargetValue)}";
}
