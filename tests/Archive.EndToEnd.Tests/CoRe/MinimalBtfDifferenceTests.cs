using System.Collections.Concurrent;
using Btf;
using Btf.CoRe;
using Btf.Format;
using Btf.Text;
using TestKit;

namespace Archive.EndToEnd.Tests.CoRe;

/// <summary>Our minimal BTF beside bpftool's, over all real objects and kernels.</summary>
[Trait("Category", "Real")]
public sealed class MinimalBtfDifferenceTests
{
    /// <summary>bpftool writes in the order of its own machine, ours in the kernel's unless told.</summary>
    private static readonly MinimalBtfOptions Options = new() { BigEndian = !BitConverter.IsLittleEndian };

    [Fact]
    public void EveryObjectGivesBpftoolsBytesOnEveryKernel()
    {
        var tally = new ConcurrentDictionary<string, int>(StringComparer.Ordinal);
        var problems = new ConcurrentBag<string>();
        foreach (var kernel in RealKernels.All)
        {
            var target = new CoreTarget(BtfFile.Open(kernel.BtfPath));
            Parallel.ForEach(Objects(kernel), ParallelLoop.Bounded, file =>
            {
                var (verdict, problem) = Compare(kernel.BtfPath, target, file.Path);
                tally.AddOrUpdate(verdict, 1, (_, count) => count + 1);
                if (problem is not null)
                    problems.Add($"{file} on {kernel}: {problem}");
            });
        }
        Assert.True(problems.IsEmpty, $"{problems.Count} of {tally.Values.Sum()} differ:\n{string.Join('\n', problems.Order(StringComparer.Ordinal).Take(50))}");
        Assert.True(tally.GetValueOrDefault("same bytes") > 3000, string.Join(", ", tally));
    }

    [Fact]
    public void SelftestsOfCoReGiveBpftoolsBytesAndDoTheSame()
    {
        using var folder = new TempFolder();
        var problems = new List<string>();
        foreach (var pair in CoreRelocPair.All())
        {
            var (verdict, problem) = Compare(pair.BtfPath, new CoreTarget(BtfFile.Open(pair.BtfPath)), pair.ObjectPath);
            if (problem is null && verdict == "same bytes")
            {
                File.WriteAllBytes(folder.File("min.btf"), Ours(new CoreTarget(BtfFile.Open(pair.BtfPath)), BtfWire.HeaderSize, pair.ObjectPath));
                problem = pair.Try(folder.File("min.btf"));
            }
            if (problem is not null)
                problems.Add($"{pair.Case}: {problem}");
        }
        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    [Fact]
    public void AllToolsOfAReleaseTogetherGiveBpftoolsBytes()
    {
        foreach (var kernel in RealKernels.All)
        {
            foreach (var tools in BpfObjectCorpus.LibbpfTools.GroupBy(file => file.Name.Split('/')[0]))
            {
                var (verdict, problem) = Compare(kernel.BtfPath, new CoreTarget(BtfFile.Open(kernel.BtfPath)), [.. tools.Select(file => file.Path)]);
                Assert.True(verdict == "same bytes", $"{tools.Key} on {kernel}: {problem}");
            }
        }
    }

    /// <summary>bpftool before 7.6 reads objects of its own machine's order only, so the little-endian twin tells.</summary>
    [Fact]
    public void BigEndianObjectsNeedWhatTheirLittleEndianTwinsNeed()
    {
        var twins = BpfObjectCorpus.Selftests.ToDictionary(file => Path.GetFileName(file.Path), file => file.Path, StringComparer.Ordinal);
        var objects = BpfObjectCorpus.BigEndianSelftests.Where(file => RealObjects.HasRelocations(file.Path)).ToList();
        Assert.True(objects.Count >= 15, $"{objects.Count}");
        foreach (var kernel in RealKernels.All)
        {
            var target = new CoreTarget(BtfFile.Open(kernel.BtfPath));
            foreach (var file in objects)
            {
                var ours = Ours(target, BtfWire.HeaderSize, file.Path);
                Assert.Equal(Ours(target, BtfWire.HeaderSize, twins[Path.GetFileName(file.Path)]), ours);
                if (BpftoolOracle.MinimalBtf(kernel.BtfPath, file.Path).Btf is { } theirs)
                    Assert.Equal(theirs, Ours(target, BitConverter.ToInt32(theirs, 4), file.Path));
            }
        }
    }

    /// <summary>All of them on one kernel; on the others those that ask something.</summary>
    private static IEnumerable<BpfObjectFile> Objects(RealKernels.Kernel kernel) =>
        BpfObjectCorpus.LibbpfTools.Concat(BpfObjectCorpus.Selftests).Where(file => kernel == RealKernels.Bookworm || RealObjects.HasRelocations(file.Path));

    private static (string Verdict, string? Problem) Compare(string kernel, CoreTarget target, params string[] objects)
    {
        var theirs = BpftoolOracle.MinimalBtf(kernel, objects);
        byte[] ours;
        try
        {
            ours = Ours(target, theirs.Btf is { } btf ? BitConverter.ToInt32(btf, 4) : BtfWire.HeaderSize, objects);
        }
        catch (MalformedInputException e)
        {
            return theirs.Btf is null ? ("both refuse", null) : ("we refuse", e.Message);
        }
        if (theirs.Btf is null)
            return ("bpftool refuses", theirs.Problem);
        return ours.AsSpan().SequenceEqual(theirs.Btf) ? ("same bytes", null) : ("other bytes", Difference(theirs.Btf, ours));
    }

    private static byte[] Ours(CoreTarget target, int headerSize, params string[] objects) =>
        MinimalBtf.Make(target, objects.Select(BpfObject.Open), Options with { HeaderSize = headerSize });

    private static string Difference(byte[] theirs, byte[] ours)
    {
        using var text = new StringWriter();
        var diff = BtfDiff.Compare(BtfBlob.Parse(theirs), BtfBlob.Parse(ours));
        diff.Write(text);
        return diff.AreEqual ? $"{ours.Length} bytes, {theirs.Length} of bpftool's, equal in structure" : text.ToString();
    }
}
