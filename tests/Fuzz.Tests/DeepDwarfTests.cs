using Fuzz.Building;

namespace Fuzz.Tests;

/// <summary>Long chains, deep nesting and cycles.</summary>
public sealed class DeepDwarfTests : HostileDwarf
{
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
}
