using System.Text.Json;
using Btf.Format;
using Btf.Text;
using Btf.Text.Changes;

namespace Btf.Tests.Text.Changes;

public sealed class KernelComparisonTests
{
    [Fact]
    public void EqualKernelsHaveNoChanges() => Assert.True(Compare(BtfFixture.OfEveryKind().Blob(), BtfFixture.OfEveryKind(bigEndian: true).Blob()).AreEqual);

    [Fact]
    public void TypesAndFunctionsComeAndGo()
    {
        var changes = Compare(
            btf => { btf.Struct("old", 4, ("m", btf.Int(), 0)); btf.Type(BtfKind.Func, "f", sizeOrType: btf.Prototype(0)); },
            btf => { btf.Struct("fresh", 8, ("m", btf.Int(), 0)); btf.Type(BtfKind.Func, "g", sizeOrType: btf.Prototype(1, ("n", 1))); });

        Assert.Equal([("struct fresh", ChangeClass.Added, 8L), ("struct old", ChangeClass.Removed, 4L)], changes.Types.Select(change => (change.Tag, change.Change, change.NewSize ?? change.OldSize!.Value)));
        Assert.Equal([(ChangeClass.Removed, "void f(void)"), (ChangeClass.Added, "int g(int n)")], changes.Functions.Select(change => (change.Change, change.Declaration!)));
    }

    [Fact]
    public void EachMemberHasItsReason()
    {
        var changes = Compare(
            btf => btf.Composite(BtfKind.Struct, "s", 16, true, ("gone", btf.Int(), 0), ("typed", 1, 32), ("bits", 1, 3u << 24 | 64), ("last", 1, 96)),
            btf => btf.Composite(BtfKind.Struct, "s", 24, true, ("come", btf.Int(), 0), ("typed", btf.Type(BtfKind.Ptr, sizeOrType: 1), 64), ("bits", 1, 4u << 24 | 128), ("last", 1, 160)));

        Assert.Equal(
            [
                new(ChangeReason.MemberRemoved, "gone", "int at 0", null),
                new(ChangeReason.MemberAdded, "come", null, "int at 0"),
                new(ChangeReason.MemberTypeChanged, "typed", "int", "int *"),
                new(ChangeReason.MemberMoved, "typed", "4", "8"),
                new(ChangeReason.BitfieldChanged, "bits", "3 bits", "4 bits"),
                new(ChangeReason.MemberMoved, "bits", "8:0", "16:0"),
                new(ChangeReason.MemberMoved, "last", "12", "20"),
                new(ChangeReason.SizeChanged, "", "16", "24"),
            ],
            Assert.Single(changes.Types).Details);
    }

    [Fact]
    public void MembersOfStructsWithoutNameAreComparedAsItsOwn()
    {
        static void Build(BtfFixture btf, uint place) =>
            btf.Struct("s", 16, ("", btf.Composite(BtfKind.Union, "", 4, false, ("deep", btf.Int(), 0)), place), ("u", btf.Struct("", 4, ("x", 1, 0)), 64));

        var detail = Assert.Single(Assert.Single(Compare(btf => Build(btf, 0), btf => Build(btf, 32)).Types).Details);

        Assert.Equal(new(ChangeReason.MemberMoved, "deep", "0", "4"), detail);
    }

    [Fact]
    public void WhatEmbedsAGrownStructIsMovedByTheCauseAlone()
    {
        static void Build(BtfFixture btf, bool grown)
        {
            var number = btf.Int();
            var size = grown ? 8u : 4u;
            var lockType = grown ? btf.Struct("lock", 8, ("owner", number, 0), ("next", number, 32)) : btf.Struct("lock", 4, ("owner", number, 0));
            var queue = btf.Struct("queue", size + 4, ("lock", btf.Type(BtfKind.Typedef, "lock_t", sizeOrType: lockType), 0), ("n", number, 8 * size));
            btf.Struct("device", 2 * (size + 4) + 4, ("queues", btf.Array(queue, number, 2), 0), ("n", number, 16 * (size + 4)));
            btf.Struct("user", 8, ("p", btf.Type(BtfKind.Ptr, sizeOrType: queue), 0));
        }

        var changes = Compare(btf => Build(btf, false), btf => Build(btf, true));

        Assert.Equal([("struct device", ChangeClass.Moved), ("struct lock", ChangeClass.Changed), ("struct queue", ChangeClass.Moved)], changes.Types.Select(change => (change.Tag, change.Change)));
        Assert.Equal(["struct lock"], changes.Types[0].MovedBy!);
        Assert.Equal(["struct device", "struct queue"], changes.Types[1].Moves!);
    }

    [Fact]
    public void DeclarationInPlaceOfADefinitionIsNoChange() => Assert.True(Compare(
        btf => { btf.Struct("s", 8, ("p", btf.Type(BtfKind.Ptr, sizeOrType: btf.Type(BtfKind.Fwd, "other")), 0)); },
        btf => { btf.Struct("s", 8, ("p", btf.Type(BtfKind.Ptr, sizeOrType: 4), 0)); btf.Int(); btf.Struct("other", 4, ("n", 3, 0)); }).Types.All(change => change.Name == "other"));

    [Fact]
    public void EnumeratorsComeGoAndChange()
    {
        var changes = Compare(btf => btf.Enum("e", 4, ("A", 0), ("B", 1), ("C", 2)), btf => btf.Enum("e", 4, ("A", 0), ("C", 1), ("D", 2)));

        Assert.Equal(
            [new(ChangeReason.EnumeratorRemoved, "B", "1", null), new(ChangeReason.EnumeratorAdded, "D", null, "2"), new(ChangeReason.EnumeratorValueChanged, "C", "2", "1")],
            Assert.Single(changes.Types).Details);
    }

    [Fact]
    public void FunctionHasItsReasons()
    {
        var changes = Compare(
            btf => btf.Type(BtfKind.Func, "f", vlen: 0, sizeOrType: btf.Prototype(btf.Int(), ("a", 1), ("b", 1), ("c", 1), ("old", 1))),
            btf => btf.Type(BtfKind.Func, "f", vlen: 1, sizeOrType: btf.Prototype(0, ("b", btf.Int()), ("a", btf.Type(BtfKind.Ptr, sizeOrType: 1)), ("d", 1), ("more", 2), ("...", 0))));

        Assert.Equal(
            [ChangeReason.LinkageChanged, ChangeReason.ReturnTypeChanged, ChangeReason.ParameterTypeChanged, ChangeReason.ParameterRenamed,
             ChangeReason.ParameterRemoved, ChangeReason.ParameterAdded, ChangeReason.ParameterAdded, ChangeReason.ParameterMoved, ChangeReason.ParameterMoved],
            Assert.Single(changes.Functions).Details.Select(detail => detail.Reason));
    }

    [Fact]
    public void SeveralTypesOfANameAreToldApartByStructure()
    {
        var changes = Compare(
            btf => { btf.Struct("s", 4, ("a", btf.Int(), 0)); btf.Struct("s", 4, ("b", 1, 0)); },
            btf => { btf.Struct("s", 4, ("b", btf.Int(), 0)); btf.Struct("s", 4, ("c", 1, 0)); btf.Struct("s", 8, ("a", 1, 0)); });

        Assert.Equal([ChangeClass.Changed, ChangeClass.Added], changes.Types.Select(change => change.Change));
    }

    [Fact]
    public void TextAndMarkdownTellWhatJsonTells()
    {
        var changes = Compare(
            btf => { btf.Struct("s", 4, ("a", btf.Int(), 0)); btf.Type(BtfKind.Func, "f", sizeOrType: btf.Prototype(0, ("n", 1))); },
            btf => { btf.Struct("s", 8, ("b", btf.Int(), 0), ("a", 1, 32)); btf.Type(BtfKind.Func, "f", sizeOrType: btf.Prototype(0)); });
        using var text = new StringWriter();
        using var markdown = new StringWriter();

        ChangesWriter.WriteText(changes, text);
        ChangesWriter.WriteMarkdown(changes, markdown);

        Assert.EndsWith("\nChanged\n  struct s (size 4 → 8)\n    member added b: int at 0\n    moved: a 0 → 4\n  f()\n    parameter removed n: was int, parameter 1\n", text.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("\n## Changed\n\n- `struct s` (size 4 → 8)\n  - member added `b`: `int at 0`\n  - moved: `a` 0 → 4\n- `f()`\n  - parameter removed `n`: was `int, parameter 1`\n", markdown.ToString(), StringComparison.Ordinal);
        Assert.Contains("\"reason\": \"member_added\"", JsonSerializer.Serialize(changes, TextJson.Default.KernelChanges), StringComparison.Ordinal);
    }

    private static KernelChanges Compare(Action<BtfFixture> left, Action<BtfFixture> right)
    {
        var (a, b) = (new BtfFixture(), new BtfFixture());
        left(a);
        right(b);
        return Compare(a.Blob(), b.Blob());
    }

    private static KernelChanges Compare(BtfBlob left, BtfBlob right) => KernelComparison.Compare(left, right, "left", "right");
}
