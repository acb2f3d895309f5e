using Btf.Elf;
using Fuzz.Building;

namespace Fuzz.Tests;

/// <summary>Many units, each of which refers to much of another one.</summary>
public sealed class ManyUnitsTests : HostileDwarf
{
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
}
