using Btf.Elf;
using TestKit;

namespace Archive.EndToEnd.Tests.CoRe;

/// <summary>What the other tests here stand on: the objects are what they are called, and CO-RE's own tests pass with them.</summary>
[Trait("Category", "Real")]
public sealed class RealObjectsTests
{
    /// <summary>Pairs that bpftool cannot answer: ambiguous, nested too deep, bitfields beyond 64 bits.</summary>
    private static readonly string[] Unanswerable =
    [
        "nesting___err_dup_incompat_types", "nesting___err_too_deep", "probed:bitfields___err_too_big_bitfield",
        "direct:bitfields___err_too_big_bitfield", "size___err_ambiguous",
    ];

    [Fact]
    public void ThereAreEightHundredObjectsOfBothByteOrders()
    {
        var (tools, selftests, big) = (BpfObjectCorpus.LibbpfTools, BpfObjectCorpus.Selftests, BpfObjectCorpus.BigEndianSelftests);
        Assert.True(tools.Count >= 300 && selftests.Count >= 490 && big.Count >= 85, $"{tools.Count} {selftests.Count} {big.Count}");
        foreach (var file in tools.Concat(selftests).Concat(big))
        {
            using var elf = ElfImage.Open(file.Path);
            Assert.Equal((ElfMachine.Bpf, !big.Contains(file)), (elf.Machine, elf.Endian.LittleEndian));
        }
    }

    [Fact]
    public void SelftestsDoWhatTheirTableSays() =>
        Assert.Equal([], CoreRelocPair.All().Select(pair => pair.Try(pair.BtfPath)).OfType<string>());

    [Fact]
    public void SelftestsDoTheSameWithBpftoolsMinimalBtf()
    {
        using var folder = new TempFolder();
        var answers = CoreRelocPair.All().Select(pair => (Pair: pair, BpftoolOracle.MinimalBtf(pair.BtfPath, pair.ObjectPath).Btf)).ToList();
        Assert.Equal(Unanswerable, answers.Where(answer => answer.Btf is null).Select(answer => answer.Pair.Case.Name));
        Assert.Equal([], answers.Where(answer => answer.Btf is not null).Select(answer =>
        {
            File.WriteAllBytes(folder.File("min.btf"), answer.Btf!);
            return answer.Pair.Try(folder.File("min.btf"));
        }).OfType<string>());
    }
}
