using Btf.Elf;
using Fuzz.Building;
using Fuzz.Targets;

namespace Fuzz.Tests;

/// <summary>DWARF that is made to cost much or to never end, each below 1 MiB: it has to end in a second or two, in bounded memory, in success or a declared exception.</summary>
public abstract class HostileDwarf
{
    private const int MaxBytes = 1 << 20;

    private protected static readonly Die Int = Die.Base("int", 4);

    private protected static List<Die> Nested(int depth, Func<Die> make)
    {
        var outermost = make();
        var die = outermost;
        for (var i = 1; i < depth; i++, die = die.Children[0])
            die.Holding(make());
        return [Int, outermost];
    }

    private protected static List<Die> Chain(int length, bool forwards, Func<int, Die> make)
    {
        var types = Enumerable.Range(0, length).Select(make).ToList();
        for (var i = 0; i < length; i++)
            types[i].OfType(i + 1 < length ? types[i + 1] : Int);
        if (!forwards)
            types.Reverse();
        return [Int, .. types];
    }

    private protected static List<BuiltSymbol> Functions(params string[] names) =>
        [.. names.Select((name, i) => new BuiltSymbol(name, ElfSymbolType.Func, 1, (ulong)(16 * (i + 1)), 16))];

    private protected static void AssertBounded(IEnumerable<Die> dies, List<BuiltSymbol>? symbols = null)
    {
        // A name with two meanings makes the converter tell apart all that reaches it.
        var dwarf = new DwarfBuilder(bigEndian: false, addressBytes: 8);
        dwarf.Add(5, [new Die(Tag.StructureType).Named("ambiguous").Sized(1)]);
        dwarf.Add(5, [new Die(Tag.StructureType).Named("ambiguous").Sized(2), .. dies]);
        AssertBounded(Image(dwarf, elf => elf.AddSymbols(symbols ?? [])));
    }

    private protected static byte[] Image(DwarfBuilder dwarf, Action<ElfBuilder>? more = null)
    {
        var elf = new ElfBuilder(ElfMachine.X8664, is64: true, bigEndian: false);
        elf.Add(".data..percpu", new byte[8192], address: 0x1000);
        elf.Add(".debug_info", dwarf.Info);
        elf.Add(".debug_abbrev", dwarf.Abbrev);
        more?.Invoke(elf);
        return elf.Build();
    }

    private protected static void AssertBounded(byte[] image)
    {
        Assert.InRange(image.Length, 1, MaxBytes);
        var execution = Execution.Run(new DwarfTarget(), image);
        Assert.True(execution.Verdict != Verdict.Failed, $"{execution.Signature}: {execution.Problem}");
    }
}
