using Btf.Dedup;
using Btf.Format;

namespace Btf.Tests.Dedup;

public sealed class RepeatedTypesTests
{
    private const int Few = 1, Many = 1000;

    [Theory]
    [InlineData(Few)]
    [InlineData(Many)]
    public void WhatBecomesTheSameOnceItsReferencesAreMergesToo(int suspects)
    {
        var btf = new BtfFixture();
        var integer = btf.Int();
        var first = btf.Type(BtfKind.Const, sizeOrType: integer);
        var second = btf.Type(BtfKind.Const, sizeOrType: integer);
        btf.Struct("s", 8, ("p", btf.Type(BtfKind.Ptr, sizeOrType: first), 0));
        btf.Struct("s", 8, ("p", btf.Type(BtfKind.Ptr, sizeOrType: second), 0));
        btf.Type(BtfKind.Func, "f", 1, sizeOrType: btf.Prototype(second, ("a", first)));

        var merged = BtfBlob.Parse(RepeatedTypes.Merge(btf.Bytes(), [.. Enumerable.Repeat(second, suspects)]));

        BtfKind[] kinds = [BtfKind.Int, BtfKind.Const, BtfKind.Ptr, BtfKind.Struct, BtfKind.FuncProto, BtfKind.Func];
        Assert.Equal(kinds, [.. Enumerable.Range(1, merged.TypeCount).Select(id => merged[(uint)id].Kind)]);
        var prototype = merged[5];
        Assert.Equal([2u, 2u], [prototype.SizeOrType, prototype.Params[0].TypeId]);
    }

    [Theory]
    [InlineData(Few)]
    [InlineData(Many)]
    public void NothingIsWrittenAnewWhereEachTypeStandsOnce(int suspects)
    {
        var btf = BtfFixture.OfEveryKind();
        var bytes = btf.Bytes();

        Assert.Same(bytes, RepeatedTypes.Merge(bytes, [.. Enumerable.Repeat(9u, suspects)]));
    }

    [Fact]
    public void VariablesOfOneNameAreTwoObjects()
    {
        var btf = new BtfFixture();
        var integer = btf.Int();
        var first = btf.Type(BtfKind.Var, "counter", sizeOrType: integer, trailing: [0]);
        var second = btf.Type(BtfKind.Var, "counter", sizeOrType: integer, trailing: [0]);
        btf.Datasec(".data..percpu", 8, (first, 0, 4), (second, 4, 4));
        var bytes = btf.Bytes();

        Assert.Same(bytes, RepeatedTypes.Merge(bytes, [first, second]));
    }
}
