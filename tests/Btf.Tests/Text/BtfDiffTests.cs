using Btf.Dedup;
using Btf.Format;
using Btf.Text;

namespace Btf.Tests.Text;

public sealed class BtfDiffTests
{
    [Fact]
    public void OrderOfIdsDoesNotMatter()
    {
        var left = new BtfFixture();
        var leftInt = left.Int();
        left.Struct("point", 8, ("x", leftInt, 0), ("y", leftInt, 32));
        left.Type(BtfKind.Ptr, sizeOrType: 2);
        var right = new BtfFixture();
        right.Type(BtfKind.Ptr, sizeOrType: 3);
        var rightInt = right.Int();
        right.Struct("point", 8, ("x", rightInt, 0), ("y", rightInt, 32));

        Assert.True(BtfDiff.Compare(left.Blob(), right.Blob()).AreEqual);
    }

    [Fact]
    public void ByteOrderDoesNotMatter() =>
        Assert.True(BtfDiff.Compare(BtfFixture.OfEveryKind().Blob(), BtfFixture.OfEveryKind(bigEndian: true).Blob()).AreEqual);

    [Fact]
    public void SplitBtfOnBasesOfAnotherOrderIsEqual()
    {
        var left = new BtfFixture();
        left.Type(BtfKind.Ptr, sizeOrType: left.Struct("shared", 8, ("x", left.Int(), 0)));
        var right = new BtfFixture();
        right.Type(BtfKind.Ptr, sizeOrType: 3);
        right.Struct("shared", 8, ("x", right.Int(), 0));

        var onLeft = BtfBlob.Parse(new BtfMerger(left.Blob()).Split(Module(more: false)), left.Blob());
        var onRight = BtfBlob.Parse(new BtfMerger(right.Blob()).Split(Module(more: true)), right.Blob());

        Assert.Equal((1, 2), (onLeft.TypeCount, onRight.TypeCount));
        var diff = BtfDiff.Compare(onLeft, onRight);
        Assert.True(diff[BtfKind.Struct].AreEqual);
        Assert.Single(diff[BtfKind.Const].OnlyRight);

        // A type of one module alone that leads into the base does not change what another says of the base.
        static BtfBlob Module(bool more)
        {
            var module = new BtfFixture();
            var pointer = module.Type(BtfKind.Ptr, sizeOrType: module.Struct("shared", 8, ("x", module.Int(), 0)));
            module.Struct("own", 8, ("p", pointer, 0));
            if (more)
                module.Type(BtfKind.Const, sizeOrType: pointer);
            return module.Blob();
        }
    }

    [Fact]
    public void MovedMemberChangesItsStructAlone()
    {
        var diff = Compare(
            btf => btf.Type(BtfKind.Ptr, sizeOrType: btf.Struct("s", 8, ("m", btf.Int(), 0))),
            btf => btf.Type(BtfKind.Ptr, sizeOrType: btf.Struct("s", 8, ("m", btf.Int(), 32))));

        Assert.True(diff[BtfKind.Ptr].AreEqual);
        Assert.Equal("s", Assert.Single(diff[BtfKind.Struct].OnlyLeft).Name);
        Assert.Equal("s", Assert.Single(diff[BtfKind.Struct].OnlyRight).Name);
    }

    [Fact]
    public void ChangeInsideAnonymousUnionReachesTheStructThatHoldsIt()
    {
        static void Build(BtfFixture btf, string inner)
        {
            var union = btf.Composite(BtfKind.Union, "", 4, false, (inner, btf.Int(), 0));
            btf.Struct("s", 4, ("", union, 0));
        }

        var diff = Compare(btf => Build(btf, "a"), btf => Build(btf, "b"));

        Assert.Equal("s", Assert.Single(diff[BtfKind.Struct].OnlyLeft).Name);
    }

    [Fact]
    public void AnonymousTypeStoredLaterThanItsUserIsFollowed()
    {
        static void Build(BtfFixture btf, uint count)
        {
            btf.Struct("s", 16, ("a", 2, 0));
            btf.Array(3, 3, count);
            btf.Int();
        }

        Assert.False(Compare(btf => Build(btf, 3), btf => Build(btf, 4))[BtfKind.Struct].AreEqual);
    }

    [Fact]
    public void FunctionDiffersByParameterName()
    {
        var diff = Compare(
            btf => btf.Type(BtfKind.Func, "f", sizeOrType: btf.Prototype(0, ("a", btf.Int()))),
            btf => btf.Type(BtfKind.Func, "f", sizeOrType: btf.Prototype(0, ("b", btf.Int()))));

        Assert.Equal("f", Assert.Single(diff[BtfKind.Func].OnlyRight).Name);
    }

    [Fact]
    public void FunctionDiffersByLinkage()
    {
        var diff = Compare(
            btf => btf.Type(BtfKind.Func, "f", vlen: 0, sizeOrType: btf.Prototype(0)),
            btf => btf.Type(BtfKind.Func, "f", vlen: 1, sizeOrType: btf.Prototype(0)));

        Assert.False(diff[BtfKind.Func].AreEqual);
    }

    [Fact]
    public void VariableDiffersByItsPlaceInTheSection()
    {
        static void Build(BtfFixture btf, uint offset) =>
            btf.Datasec(".data", 8, (btf.Type(BtfKind.Var, "v", sizeOrType: btf.Int(), trailing: [0]), offset, 4));

        var diff = Compare(btf => Build(btf, 0), btf => Build(btf, 4));

        Assert.False(diff[BtfKind.Var].AreEqual);
        Assert.True(diff[BtfKind.Datasec].AreEqual);
    }

    [Fact]
    public void NumberOfEqualTypesCounts()
    {
        var diff = Compare(
            btf => btf.Type(BtfKind.Ptr, sizeOrType: btf.Type(BtfKind.Ptr)),
            btf =>
            {
                btf.Type(BtfKind.Ptr, sizeOrType: btf.Type(BtfKind.Ptr));
                btf.Type(BtfKind.Ptr);
            });

        Assert.Equal(1, diff[BtfKind.Ptr].OnlyRightCount);
        Assert.Empty(diff[BtfKind.Ptr].OnlyLeft);
    }

    [Fact]
    public void WritesCountsAndDifferencesByName()
    {
        var diff = Compare(btf => btf.Struct("gone", 4, ("m", btf.Int(), 0)), btf => btf.Int());
        using var text = new StringWriter();

        diff.Write(text);

        Assert.Equal(
            "INT                  1         1       0       0\n" +
            "STRUCT               1         0      -1       0\n" +
            "- STRUCT 'gone' size=4 vlen=1 { m@0 } [2]\n", text.ToString());
    }

    private static BtfDiff Compare(Action<BtfFixture> buildLeft, Action<BtfFixture> buildRight)
    {
        var (left, right) = (new BtfFixture(), new BtfFixture());
        buildLeft(left);
        buildRight(right);
        return BtfDiff.Compare(left.Blob(), right.Blob());
    }
}
