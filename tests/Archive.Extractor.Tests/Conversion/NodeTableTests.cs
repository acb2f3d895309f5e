using Archive.Extractor.Conversion;
using Btf.Format;

namespace Archive.Extractor.Tests.Conversion;

/// <summary>Nodes keep their members, however many those are and whatever came before.</summary>
public sealed class NodeTableTests
{
    private static readonly int[] Counts = [0, 3, 8191, 1, 8192, 2, 20_000, 0, 8193, 7, 65_535, 5];

    [Fact]
    public void MembersOfANodeStandTogetherWhateverTheirNumber()
    {
        var table = Filled(first: 0);
        for (var i = 0; i < Counts.Length; i++)
            Assert.Equal(Children(i), table.ChildrenOf(table[i]).ToArray());
        Assert.True(table[Counts.Length - 1].FirstChild + Counts[^1] <= table.ChildEnd);
    }

    [Fact]
    public void ATableTakesWhatItLacksOfAnotherAndTheEarlierAppearance()
    {
        var (table, other) = (Filled(first: 1000), Filled(first: 500));
        var added = other.Add(new TypeNode { Content = 99, Kind = BtfKind.Struct, First = 7, Listed = true }, Children(3));
        var map = table.Absorb(other);
        Assert.Equal(Enumerable.Range(0, Counts.Length + 1), map);
        Assert.Equal(Children(3), table.ChildrenOf(table[map[added]]).ToArray());
        Assert.True(table[map[added]].Listed);
        Assert.All(Enumerable.Range(0, Counts.Length), i => Assert.Equal(500 + i, table[i].First));
    }

    [Fact]
    public void ManyNodesAreFoundByContent()
    {
        var table = new NodeTable();
        for (var i = 1UL; i <= 50_000; i++)
            table.Add(new TypeNode { Content = Hash64.Spread(i), Size = (uint)i }, Children(1));
        for (var i = 1UL; i <= 50_000; i++)
            Assert.Equal((uint)i, table[table.Find(Hash64.Spread(i), long.MaxValue)].Size);
        Assert.Equal(-1, table.Find(Hash64.Spread(50_001), long.MaxValue));
    }

    private static NodeTable Filled(long first)
    {
        var table = new NodeTable();
        for (var i = 0; i < Counts.Length; i++)
            table.Add(new TypeNode { Content = Hash64.Spread((ulong)i + 1), Kind = BtfKind.Struct, First = first + i }, Children(i));
        return table;
    }

    private static NodeChild[] Children(int node) =>
        [.. Enumerable.Range(0, Counts[node]).Select(i => new NodeChild((ulong)node, (ulong)i, (uint)i, 0))];
}
