using Btf.Elf;
using Fuzz.Building;

namespace Fuzz.Tests;

/// <summary>More of something than there should be, lengths that lie, and much that shares something long.</summary>
public sealed class LongDwarfTests : HostileDwarf
{
    [Fact]
    public void ManyFunctionsOfOneNameAtManyAddresses()
    {
        var functions = Enumerable.Range(0, 12_000).Select(i => new Die(Tag.Subprogram).Named("f").OfType(Int).With(At.LowPc, Form.Addr, (ulong)i).With(At.External, Form.FlagPresent, 1UL)).ToList();
        AssertBounded([Int, .. functions], symbols: [.. Enumerable.Range(0, 12_000).Select(i => new BuiltSymbol("f", ElfSymbolType.Func, 1, (ulong)i))]);
    }

    [Theory]
    [InlineData(Tag.StructureType, 70_000)]
    [InlineData(Tag.UnionType, 70_000)]
    public void MoreMembersThanBtfCounts(ushort tag, int count) =>
        AssertBounded([Int, new Die(tag).Named("s").Sized(4).Holding(Enumerable.Range(0, count).Select(_ => new Die(Tag.Member).Named("m").OfType(Int)))]);

    [Fact]
    public void MoreEnumeratorsThanBtfCounts() =>
        AssertBounded([new Die(Tag.EnumerationType).Named("e").Sized(4).Holding(Enumerable.Range(0, 70_000).Select(_ => new Die(Tag.Enumerator).Named("E").With(At.ConstValue, Form.Data1, 1UL)))]);

    [Fact]
    public void MoreParametersThanBtfCounts() =>
        AssertBounded([Int, new Die(Tag.SubroutineType).Holding(Enumerable.Range(0, 100_000).Select(_ => new Die(Tag.FormalParameter).OfType(Int)))]);

    [Theory]
    [InlineData(ulong.MaxValue)]
    [InlineData((ulong)uint.MaxValue)]
    [InlineData(1UL << 31)]
    public void HugeArrays(ulong count)
    {
        var array = new Die(Tag.ArrayType).OfType(Int);
        foreach (var _ in Enumerable.Range(0, 100_000))
            array.Holding(new Die(Tag.SubrangeType).With(At.Count, Form.Data8, count));
        AssertBounded([Int, array, new Die(Tag.StructureType).Named("s").Sized(count).Holding(Die.Member("m", array, count))]);
    }

    [Theory]
    [InlineData(0UL)]
    [InlineData(1UL)]
    [InlineData(6UL)]
    [InlineData(7UL)]
    [InlineData(12UL)]
    [InlineData(1UL << 20)]
    [InlineData(0x7fff_ffffUL)]
    [InlineData(0xffff_fff0UL)]
    [InlineData(0xffff_ffffUL)]
    public void UnitLengthsThatLie(ulong length)
    {
        foreach (var version in (ushort[])[2, 4, 5])
        {
            var dwarf = new DwarfBuilder(bigEndian: false, addressBytes: 8);
            dwarf.Add(version, [Int], length);
            dwarf.Add(version, [Int]);
            AssertBounded(Image(dwarf));
        }
    }

    [Fact]
    public void ManySymbolsThatShareOneLongName()
    {
        var elf = new ElfBuilder(ElfMachine.X8664, is64: true, bigEndian: false);
        var dwarf = new DwarfBuilder(bigEndian: false, addressBytes: 8);
        dwarf.Add(4, [Int]);
        elf.Add(".debug_info", dwarf.Info);
        elf.Add(".debug_abbrev", dwarf.Abbrev);
        var symbols = new ByteOrderWriter(bigEndian: false);
        foreach (var i in Enumerable.Range(0, 20_000))
        {
            symbols.Number((ulong)i, 4);
            symbols.Number(2, 4);
            symbols.Raw(new byte[16]);
        }
        elf.Add(".symtab", symbols.ToArray(), ElfSectionType.SymTab, link: 4, entrySize: 24);
        elf.Add(".strtab", [.. Enumerable.Repeat((byte)'a', 400_000), 0], ElfSectionType.StrTab);
        AssertBounded(elf.Build());
    }

    [Theory]
    [InlineData(4, ".debug_loc")]
    [InlineData(5, ".debug_loclists")]
    public void ManyParametersWithOneLongListOfLocations(int version, string section)
    {
        var function = new Die(Tag.Subprogram).Named("f").With(At.LowPc, Form.Addr, 0x10UL);
        function.Holding(Enumerable.Range(0, 20_000).Select(_ => new Die(Tag.FormalParameter).Named("p").OfType(Int).With(At.Location, Form.SecOffset, 0UL)));
        var dwarf = new DwarfBuilder(bigEndian: false, addressBytes: 8);
        dwarf.Add((ushort)version, [Int, function]);
        var list = new ByteOrderWriter(bigEndian: false);
        for (var i = 0; i < 20_000; i++)
        {
            if (version == 5)
                list.Raw([4, 0, 0, 0]); // DW_LLE_offset_pair of nothing, with an empty expression
            else
                list.Raw([.. BitConverter.GetBytes(1L), .. BitConverter.GetBytes(1L), 0, 0]);
        }
        AssertBounded(Image(dwarf, elf =>
        {
            elf.Add(section, list.ToArray());
            elf.AddSymbols(Functions("f"));
        }));
    }

    [Fact]
    public void FunctionsThatShareManyParametersOfTheirOrigin()
    {
        var origin = new Die(Tag.Subprogram).Named("f");
        var shared = Enumerable.Range(0, 25_000).Select(_ => new Die(Tag.FormalParameter).Named("p").OfType(Int)).ToList();
        var instance = new Die(Tag.Subprogram).With(At.AbstractOrigin, Form.Ref4, origin).With(At.LowPc, Form.Addr, 16UL);
        foreach (var parameter in shared)
            instance.Holding(new Die(Tag.FormalParameter).With(At.AbstractOrigin, Form.Ref4, shared[^1]).With(At.Location, Form.Exprloc, new byte[] { 0x55 }));
        AssertBounded([Int, origin.Holding(shared), instance], symbols: Functions("f"));
    }
}
