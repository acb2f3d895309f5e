using Btf.Elf;
using Fuzz.Building;
using Fuzz.Targets;

namespace Fuzz.Tests;

/// <summary>DWARF that is made to cost much or to never end, each below 1 MiB: it has to end in a second, in bounded memory, in success or a declared exception.</summary>
public sealed class HostileDwarfTests
{
    private const int MaxBytes = 1 << 20;
    private static readonly Die Int = Die.Base("int", 4);

    [Fact]
    public void DeeplyNestedBlocks() => AssertBounded(Nested(100_000, () => new Die(Tag.LexicalBlock)));

    [Fact]
    public void DeeplyNestedStructs() => AssertBounded(Nested(40_000, () => new Die(Tag.StructureType).Sized(4)));

    [Fact]
    public void DeeplyNestedNamespaces() => AssertBounded(Nested(100_000, () => new Die(Tag.Namespace)));

    [Theory]
    [InlineData(Tag.PointerType, true)]
    [InlineData(Tag.PointerType, false)]
    [InlineData(Tag.ConstType, true)]
    [InlineData(Tag.ConstType, false)]
    [InlineData(Tag.VolatileType, true)]
    [InlineData(Tag.AtomicType, true)]
    [InlineData(Tag.ArrayType, true)]
    [InlineData(Tag.ArrayType, false)]
    [InlineData(Tag.SubroutineType, true)]
    [InlineData(Tag.SubroutineType, false)]
    public void LongChainsOfTypes(ushort tag, bool forwards) => AssertBounded(Chain(80_000, forwards, _ => new Die(tag)));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void LongChainsOfTypedefs(bool forwards) => AssertBounded(Chain(60_000, forwards, i => new Die(Tag.Typedef).Named($"t{i}")));

    [Theory]
    [InlineData("s", true)]
    [InlineData("s", false)]
    [InlineData("", true)]
    [InlineData("", false)]
    public void LongChainsOfStructsThatHoldTheNext(string name, bool forwards)
    {
        var structs = Enumerable.Range(0, 25_000).Select(i => name.Length == 0 ? new Die(Tag.StructureType).Sized(4) : new Die(Tag.StructureType).Named($"{name}{i}").Sized(4)).ToList();
        for (var i = 0; i < structs.Count; i++)
            structs[i].Holding(Die.Member("m", i + 1 < structs.Count ? structs[i + 1] : Int, 0));
        AssertBounded([Int, .. forwards ? structs : Enumerable.Reverse(structs)]);
    }

    [Theory]
    [InlineData(Tag.Typedef)]
    [InlineData(Tag.ConstType)]
    [InlineData(Tag.PointerType)]
    [InlineData(Tag.ArrayType)]
    [InlineData(Tag.SubroutineType)]
    [InlineData(Tag.AtomicType)]
    [InlineData(Tag.RestrictType)]
    [InlineData(Tag.EnumerationType)]
    public void ATypeThatIsItself(ushort tag)
    {
        var nameless = new Die(tag);
        nameless.OfType(nameless);
        var named = new Die(tag).Named("self");
        named.OfType(named);
        AssertBounded([Int, nameless, named]);
    }

    [Theory]
    [InlineData(Tag.Typedef)]
    [InlineData(Tag.ConstType)]
    [InlineData(Tag.PointerType)]
    [InlineData(Tag.ArrayType)]
    [InlineData(Tag.SubroutineType)]
    public void LongCyclesOfTypes(ushort tag)
    {
        var types = Enumerable.Range(0, 50_000).Select(_ => new Die(tag)).ToList();
        for (var i = 0; i < types.Count; i++)
            types[i].OfType(types[(i + 1) % types.Count]);
        AssertBounded([Int, .. types]);
    }

    [Fact]
    public void CyclesOfEveryLengthThroughNamelessStructs()
    {
        var structs = Enumerable.Range(0, 20_000).Select(_ => new Die(Tag.StructureType).Sized(8)).ToList();
        for (var i = 0; i < structs.Count; i++)
            structs[i].Holding(Die.Member("m", structs[(int)(i * 7919L % structs.Count)], 0), Die.Member("n", structs[(i + 1) % structs.Count], 4));
        AssertBounded([Int, .. structs]);
    }

    [Fact]
    public void AStructThatHoldsItself()
    {
        var named = new Die(Tag.StructureType).Named("s").Sized(4);
        named.Holding(Die.Member("again", named, 0));
        var nameless = new Die(Tag.StructureType).Sized(4);
        nameless.Holding(Die.Member("again", nameless, 0));
        AssertBounded([named, nameless]);
    }

    [Theory]
    [InlineData(At.AbstractOrigin)]
    [InlineData(At.Specification)]
    public void FunctionsThatAreEachOthersOrigin(ushort attribute)
    {
        var functions = Enumerable.Range(0, 20_000).Select(i => new Die(Tag.Subprogram).With(At.LowPc, Form.Addr, (ulong)i)).ToList();
        var parameters = functions.ConvertAll(_ => new Die(Tag.FormalParameter));
        for (var i = 0; i < functions.Count; i++)
        {
            functions[i].With(attribute, Form.Ref4, functions[(i + 1) % functions.Count]).Holding(parameters[i]);
            parameters[i].With(At.AbstractOrigin, Form.Ref4, parameters[(i + 1) % functions.Count]);
        }
        AssertBounded([Int, .. functions], symbols: Functions("f"));
    }

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

    [Fact]
    public void ManyUnitsThatShareALongTableOfAbbreviations()
    {
        var dwarf = new DwarfBuilder(bigEndian: false, addressBytes: 8);
        dwarf.Add(4, [.. Enumerable.Range(0, 30_000).Select(i => new Die((ushort)(0x4000 + i % 0x3fff)).With((ushort)(1 + i % 16_000), Form.Data1, 1UL))]);
        foreach (var _ in Enumerable.Range(0, 15_000))
            dwarf.Add(4, []);
        AssertBounded(Image(dwarf));
    }

    [Fact]
    public void ManyNamesThatShareOneLongString()
    {
        var types = Enumerable.Range(0, 40_000).Select(i => new Die(Tag.Typedef).With(At.Name, Form.Strp, (ulong)i)).ToList();
        var dwarf = new DwarfBuilder(bigEndian: false, addressBytes: 8);
        dwarf.Add(4, types);
        AssertBounded(Image(dwarf, elf => elf.Add(".debug_str", [.. Enumerable.Repeat((byte)'a', 400_000), 0])));
    }

    [Fact]
    public void ManyVariablesThatCompleteDeclarations()
    {
        var declarations = Enumerable.Range(0, 20_000).Select(_ => new Die(Tag.Variable).Named("v").OfType(Int)).ToList();
        var definitions = declarations.ConvertAll(declaration => new Die(Tag.Variable).With(At.Specification, Form.Ref4, declaration)
            .With(At.Location, Form.Exprloc, new byte[] { 3, 8, 0x10, 0, 0, 0, 0, 0, 0 }));
        AssertBounded([Int, .. declarations, .. definitions]);
    }

    [Fact]
    public void ManyReferencesIntoOneLongUnit()
    {
        var dwarf = new DwarfBuilder(bigEndian: false, addressBytes: 8);
        var targets = Enumerable.Range(0, 30_000).Select(i => new Die(Tag.Typedef).Named($"t{i}").OfType(Int)).ToList();
        dwarf.Add(5, [Int, .. targets]);
        dwarf.Add(5, [.. targets.Select(target => new Die(Tag.PointerType).With(At.Type, Form.RefAddr, target))]);
        AssertBounded(Image(dwarf));
    }

    [Fact]
    public void ManyUnitsThatReferToOneLongStruct()
    {
        var dwarf = new DwarfBuilder(bigEndian: false, addressBytes: 8);
        var types = Enumerable.Range(0, 10_000).Select(i => Die.Base($"t{i}", 4)).ToList();
        var all = new Die(Tag.StructureType).Named("all").Sized(4).Holding(types.Select(type => Die.Member("m", type, 0)));
        dwarf.Add(5, [.. types, all]);
        foreach (var _ in Enumerable.Range(0, 10_000))
            dwarf.Add(5, [new Die(Tag.PointerType).With(At.Type, Form.RefAddr, all)]);
        AssertBounded(Image(dwarf));
    }

    [Fact]
    public void ManyUnitsThatReferToEachOther()
    {
        var dwarf = new DwarfBuilder(bigEndian: false, addressBytes: 8);
        var types = Enumerable.Range(0, 15_000).Select(i => new Die(Tag.Typedef).Named("t")).ToList();
        for (var i = 0; i < types.Count; i++)
        {
            types[i].With(At.Type, Form.RefAddr, types[(i + 1) % types.Count]);
            dwarf.Add(5, [types[i]]);
        }
        AssertBounded(Image(dwarf));
    }

    [Fact]
    public void UnitsThatImportEachOther()
    {
        var dwarf = new DwarfBuilder(bigEndian: false, addressBytes: 8);
        var types = Enumerable.Range(0, 10_000).Select(i => Die.Base($"t{i}", 4)).ToList();
        for (var i = 0; i < types.Count; i++)
            dwarf.Add(5, [types[i], new Die(Tag.ImportedUnit).With(0x18, Form.RefAddr, types[(i + 1) % types.Count])]);
        AssertBounded(Image(dwarf));
    }

    [Fact]
    public void ManyTypeSpellingsOfOneAmbiguousName()
    {
        var dwarf = new DwarfBuilder(bigEndian: false, addressBytes: 8);
        foreach (var unit in Enumerable.Range(0, 2500))
        {
            var one = new Die(Tag.StructureType).Named("s").Sized((ulong)unit);
            var pointer = new Die(Tag.PointerType).OfType(one);
            dwarf.Add(5, [one, pointer, new Die(Tag.StructureType).Named("user").Sized(8).Holding(Die.Member("p", pointer, 0)), new Die(Tag.StructureType).Named("other").With(At.Declaration, Form.FlagPresent, 1UL)]);
        }
        AssertBounded(Image(dwarf));
    }

    [Fact]
    public void AFileTableOfEntriesWithoutBytes()
    {
        var dwarf = new DwarfBuilder(bigEndian: false, addressBytes: 8);
        dwarf.Add(5, [Int, new Die(Tag.Subprogram).Named("f").With(At.LowPc, Form.Addr, 16UL)], lines: 0);
        AssertInventoryBounded(dwarf, LineTable(directories: [1, 1, (byte)Form.FlagPresent, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]));
    }

    [Fact]
    public void ManyUnitsThatShareOneLongFileTable()
    {
        var dwarf = new DwarfBuilder(bigEndian: false, addressBytes: 8);
        foreach (var _ in Enumerable.Range(0, 8000))
            dwarf.Add(5, [Int, new Die(Tag.Subprogram).Named("f").With(At.LowPc, Form.Addr, 16UL)], lines: 0);
        AssertInventoryBounded(dwarf, LineTable(directories: [1, 1, (byte)Form.String, 0xa0, 0x8d, 0x06, .. Enumerable.Repeat<byte[]>([(byte)'d', 0], 100_000).SelectMany(name => name)]));
    }

    /// <summary>The header of a line number program of version 5 with no files (DWARF 5 §6.2.4).</summary>
    private static byte[] LineTable(byte[] directories)
    {
        var table = new ByteOrderWriter(bigEndian: false);
        table.Number((ulong)directories.Length + 100, 4);
        table.Raw([5, 0, 8, 0]);
        table.Number((ulong)directories.Length + 100, 4);
        table.Raw([1, 1, 1, 0, 1, 1]);
        table.Raw(directories);
        table.Raw(new byte[100]);
        return table.ToArray();
    }

    /// <summary>The target takes the inventory of images of an even length.</summary>
    private static void AssertInventoryBounded(DwarfBuilder dwarf, byte[] lines)
    {
        var image = Image(dwarf, elf => elf.Add(".debug_line", lines));
        AssertBounded(image.Length % 2 == 0 ? image : [.. image, 0]);
    }

    [Fact]
    public void ManyStructsOfOneNameInManyUnits()
    {
        var dwarf = new DwarfBuilder(bigEndian: false, addressBytes: 8);
        foreach (var unit in Enumerable.Range(0, 120))
        {
            var structs = Enumerable.Range(0, 150).Select(i => new Die(Tag.StructureType).Named($"s{i}").Sized(8)).ToList();
            var pointers = structs.ConvertAll(target => new Die(Tag.PointerType).OfType(target));
            for (var i = 0; i < structs.Count; i++)
                structs[i].Holding(Die.Member("next", pointers[(i + 1) % structs.Count], 0));
            structs[unit % structs.Count].Holding(Die.Member($"m{unit}", structs[0], 8));
            dwarf.Add(5, [.. structs, .. pointers]);
        }
        AssertBounded(Image(dwarf));
    }

    [Fact]
    public void ManyNamesThatMeanOtherThingsInEachUnit()
    {
        var dwarf = new DwarfBuilder(bigEndian: false, addressBytes: 8);
        foreach (var unit in Enumerable.Range(0, 9000))
            dwarf.Add(5, [new Die(Tag.StructureType).Named($"s{unit / 2}").Sized((ulong)(unit % 2))]);
        AssertBounded(Image(dwarf));
    }

    [Fact]
    public void ManyTypesThatReachManyAmbiguousNames()
    {
        var dwarf = new DwarfBuilder(bigEndian: false, addressBytes: 8);
        var structs = Enumerable.Range(0, 4000).Select(i => new Die(Tag.StructureType).Named($"s{i}").Sized(1)).ToList();
        var all = new Die(Tag.StructureType).Sized(1).Holding(structs.Select(type => new Die(Tag.Member).OfType(type)));
        var arrays = Enumerable.Range(0, 20_000).Select(i => new Die(Tag.ArrayType).OfType(all).Holding(new Die(Tag.SubrangeType).With(At.Count, Form.Udata, (ulong)i)));
        dwarf.Add(5, [.. structs, all, .. arrays]);
        dwarf.Add(5, [.. structs.Select((_, i) => new Die(Tag.StructureType).Named($"s{i}").Sized(2))]);
        AssertBounded(Image(dwarf));
    }

    [Fact]
    public void CompressedSectionsThatExpandALot()
    {
        using var zeros = new MemoryStream();
        using (var zlib = new System.IO.Compression.ZLibStream(zeros, System.IO.Compression.CompressionLevel.SmallestSize, leaveOpen: true))
            zlib.Write(new byte[200 << 20]);
        var header = new ByteOrderWriter(bigEndian: false);
        header.Number(1, 8);
        header.Number(200 << 20, 8);
        header.Number(1, 8);
        header.Raw(zeros.ToArray());
        var elf = new ElfBuilder(ElfMachine.X8664, is64: true, bigEndian: false);
        foreach (var name in (string[])[".debug_info", ".debug_abbrev", ".debug_str", ".debug_line_str"])
            elf.Add(name, header.ToArray(), flags: 0x800);
        AssertBounded(elf.Build());
    }

    private static List<Die> Nested(int depth, Func<Die> make)
    {
        var outermost = make();
        var die = outermost;
        for (var i = 1; i < depth; i++, die = die.Children[0])
            die.Holding(make());
        return [Int, outermost];
    }

    private static List<Die> Chain(int length, bool forwards, Func<int, Die> make)
    {
        var types = Enumerable.Range(0, length).Select(make).ToList();
        for (var i = 0; i < length; i++)
            types[i].OfType(i + 1 < length ? types[i + 1] : Int);
        if (!forwards)
            types.Reverse();
        return [Int, .. types];
    }

    private static List<BuiltSymbol> Functions(params string[] names) =>
        [.. names.Select((name, i) => new BuiltSymbol(name, ElfSymbolType.Func, 1, (ulong)(16 * (i + 1)), 16))];

    private static void AssertBounded(IEnumerable<Die> dies, List<BuiltSymbol>? symbols = null)
    {
        // A name with two meanings makes the converter tell apart all that reaches it.
        var dwarf = new DwarfBuilder(bigEndian: false, addressBytes: 8);
        dwarf.Add(5, [new Die(Tag.StructureType).Named("ambiguous").Sized(1)]);
        dwarf.Add(5, [new Die(Tag.StructureType).Named("ambiguous").Sized(2), .. dies]);
        AssertBounded(Image(dwarf, elf => elf.AddSymbols(symbols ?? [])));
    }

    private static byte[] Image(DwarfBuilder dwarf, Action<ElfBuilder>? more = null)
    {
        var elf = new ElfBuilder(ElfMachine.X8664, is64: true, bigEndian: false);
        elf.Add(".data..percpu", new byte[8192], address: 0x1000);
        elf.Add(".debug_info", dwarf.Info);
        elf.Add(".debug_abbrev", dwarf.Abbrev);
        more?.Invoke(elf);
        return elf.Build();
    }

    private static void AssertBounded(byte[] image)
    {
        Assert.InRange(image.Length, 1, MaxBytes);
        var execution = Execution.Run(new DwarfTarget(), image);
        Assert.True(execution.Verdict != Verdict.Failed, $"{execution.Signature}: {execution.Problem}");
    }
}
