using System.Globalization;
using System.Text.RegularExpressions;
using Btf.Format;
using Btf.Format.Validation;
using Btf.Text;
using TestKit;

namespace Archive.Extractor.Tests.Conversion;

/// <summary>The converter on whole Debian kernels, against pahole, bpftool, the kernels' own BTF and the running kernel.</summary>
[Trait("Category", "Real")]
public sealed partial class RealKernelTests
{
    /// <summary>What differs between versions of pahole: which functions are trusted, and a variable at offset 0.</summary>
    private static readonly BtfKind[] FunctionKinds = [BtfKind.Func, BtfKind.FuncProto, BtfKind.Var, BtfKind.Datasec];

    private static readonly Lazy<ConvertedKernel> Cloud = new(() => FromDwarf(KernelCorpus.BookwormCloudAmd64, 2));

    private static ConvertedKernel FromDwarf(KernelCorpus kernel, int threads) =>
        VmlinuxConverter.Convert(kernel.VmlinuxPath, new ConversionOptions(BtfSource.Dwarf, threads));

    [Fact]
    public void CloudKernelsDataTypesAreThoseOfItsOwnBtf()
    {
        var own = VmlinuxConverter.Convert(KernelCorpus.BookwormCloudAmd64.VmlinuxPath, new ConversionOptions(BtfSource.Btf, 1));
        Assert.True(own.Facts.ShipsBtf);
        AssertSameDataTypes(Cloud.Value.Bytes, own.Bytes);
    }

    [Fact]
    public void AutoTakesTheKernelsOwnBtfWhereItHasOne()
    {
        var own = VmlinuxConverter.Convert(KernelCorpus.BookwormCloudAmd64.VmlinuxPath, ConversionOptions.Default);
        using var folder = new TempFolder();
        Tool.Run("objcopy", "--dump-section", $".BTF={folder.File("own")}", KernelCorpus.BookwormCloudAmd64.VmlinuxPath, "/dev/null");
        Assert.Equal(BtfSource.Btf, own.Facts.TakenFrom);
        Assert.Equal(File.ReadAllBytes(folder.File("own")), own.Bytes);
    }

    [Theory]
    [InlineData("s390x")]
    [InlineData("arm64")]
    [InlineData("bullseye")]
    [InlineData("trixie")]
    public void DataTypesAreThoseOfPahole(string name)
    {
        var kernel = Kernel(name);
        using var folder = new TempFolder();
        var reference = folder.File("pahole.btf");
        Tool.Run("pahole", "-j1", "--btf_gen_floats", $"--btf_encode_detached={reference}", kernel.VmlinuxPath);
        var converted = FromDwarf(kernel, 2);
        AssertSameDataTypes(converted.Bytes, File.ReadAllBytes(reference));
        AssertFewFunctionsDiffer(converted.Bytes, File.ReadAllBytes(reference));
        AssertValid(converted, kernel, folder);
    }

    [Fact]
    public void BytesAreTheSameForAnyNumberOfThreads()
    {
        foreach (var threads in (int[])[1, 8])
            Assert.Equal(Cloud.Value.Bytes, FromDwarf(KernelCorpus.BookwormCloudAmd64, threads).Bytes);
    }

    [Fact]
    public void RunningKernelAcceptsWhatWeMadeOfTheCloudKernel()
    {
        var verdict = KernelVerifier.Load(Cloud.Value.Bytes);
        Assert.True(verdict.Accepted, verdict.Reason);
    }

    [Fact]
    public void CDumpOfTheCloudKernelCompiles()
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder.File("vmlinux.btf"), Cloud.Value.Bytes);
        folder.Write("vmlinux.h", Tool.Run("bpftool", "btf", "dump", "file", folder.File("vmlinux.btf"), "format", "c"));
        var program = folder.Write("program.c", "#include \"vmlinux.h\"\nint main(void) { return sizeof(struct task_struct) == 0; }\n");
        Tool.Run("gcc", "-fsyntax-only", "-Wno-all", "-I", folder.FullPath, program);
    }

    [Fact]
    public void FiveHundredSampledStructsHaveTheSizesAndOffsetsThatPaholePrints()
    {
        var btf = BtfBlob.Parse(Cloud.Value.Bytes);
        var structs = Enumerable.Range(1, btf.TypeCount).Select(i => btf[(uint)i])
            .Where(t => t.Kind == BtfKind.Struct && t.Vlen > 0 && t.NameBytes.Length > 0)
            .GroupBy(t => t.Name).Where(g => g.Count() == 1).Select(g => g.Single().Id).ToList();
        var sample = Enumerable.Range(0, 500).Select(i => structs[(int)((long)i * structs.Count / 500)]).ToList();
        var names = string.Join(",", sample.Select(id => btf[id].Name));
        var printed = PaholeLayout.Parse(Tool.Run("pahole", "-F", "dwarf", "-C", names, KernelCorpus.BookwormCloudAmd64.VmlinuxPath));
        var compared = 0;
        foreach (var id in sample)
        {
            if (!printed.TryGetValue(btf[id].Name, out var layout))
                continue;
            compared++;
            Assert.Equal(layout.Size, btf[id].SizeOrType);
            foreach (var member in btf[id].Members)
            {
                if (layout.Offsets.TryGetValue(member.Name, out var offset))
                    Assert.True(offset == member.BitOffset, $"{btf[id].Name}.{member.Name}: pahole has it at bit {offset}, we at {member.BitOffset}");
            }
        }
        Assert.True(compared >= 490, $"only {compared} of 500 structs were printed");
    }

    private static KernelCorpus Kernel(string name) => name switch
    {
        "s390x" => KernelCorpus.BookwormS390x,
        "arm64" => KernelCorpus.BookwormCloudArm64,
        "bullseye" => KernelCorpus.BullseyeCloudAmd64,
        _ => KernelCorpus.TrixieCloudAmd64,
    };

    private static void AssertSameDataTypes(byte[] ours, byte[] theirs)
    {
        var diff = BtfDiff.Compare(BtfBlob.Parse(ours), BtfBlob.Parse(theirs));
        foreach (var kind in diff.Kinds.Where(k => !FunctionKinds.Contains(k.Kind) && k.Kind is not (BtfKind.DeclTag or BtfKind.TypeTag)))
            Assert.True(kind.OnlyLeft.Count == 0 && kind.OnlyRight.Count == 0, $"{kind.Kind}: -{kind.OnlyLeft.Count} +{kind.OnlyRight.Count}");
    }

    /// <summary>pahole 1.24 keeps functions that later versions leave out, and the other way round; some hundreds of tens of thousands.</summary>
    private static void AssertFewFunctionsDiffer(byte[] ours, byte[] theirs)
    {
        var functions = BtfDiff.Compare(BtfBlob.Parse(ours), BtfBlob.Parse(theirs))[BtfKind.Func];
        var all = BtfBlob.Parse(theirs).CountByKind()[BtfKind.Func];
        Assert.InRange(functions.OnlyLeft.Count, 0, all / 40);
        Assert.InRange(functions.OnlyRight.Count, 0, all / 40);
    }

    private static void AssertValid(ConvertedKernel converted, KernelCorpus kernel, TempFolder folder)
    {
        PublicationChecks.Check(converted, kernel.Uname);
        Assert.Empty(BtfValidator.Check(BtfBlob.Parse(converted.Bytes)));
        File.WriteAllBytes(folder.File("ours.btf"), converted.Bytes);
        var dump = Tool.Run("bpftool", "btf", "dump", "file", folder.File("ours.btf"), "format", "raw");
        Assert.Contains($"[{converted.TypeCounts.Values.Sum()}] ", dump);
    }

    /// <summary>Structs as pahole prints them: the size in the summary, and each member's offset behind it.</summary>
    private sealed partial record PaholeLayout(uint Size, Dictionary<string, uint> Offsets)
    {
        public static Dictionary<string, PaholeLayout> Parse(string text)
        {
            var layouts = new Dictionary<string, PaholeLayout>();
            foreach (var block in text.Split("\n}"))
            {
                if (Head().Match(block) is not { Success: true } head)
                    continue;
                var offsets = new Dictionary<string, uint>();
                foreach (Match member in Member().Matches(block))
                {
                    var bit = member.Groups["bit"].Success ? Number(member.Groups["bit"]) : 0;
                    offsets.TryAdd(member.Groups["name"].Value, Number(member.Groups["offset"]) * 8 + bit);
                }
                layouts.TryAdd(head.Groups["name"].Value, new PaholeLayout(Number(SizeLine().Match(block).Groups["size"]), offsets));
            }
            return layouts;
        }

        private static uint Number(Group group) => uint.Parse(group.Value, CultureInfo.InvariantCulture);

        [GeneratedRegex(@"^struct (?<name>\w+) \{", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
        private static partial Regex Head();

        [GeneratedRegex(@"/\* size: (?<size>\d+),", RegexOptions.ExplicitCapture)]
        private static partial Regex SizeLine();

        /// <summary>Direct members only (one tab in); a bitfield's offset is that of its storage unit and the bit in it.</summary>
        [GeneratedRegex(@"^\t(?=[^\t/}]).*?\b(?<name>\w+)(\[[^\]]*\])*(:\d+)?;\s+/\*\s+(?<offset>\d+)(:\s*(?<bit>\d+))?\s+\d+ \*/", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
        private static partial Regex Member();
    }
}
