using Btf.Format;
using Btf.Text;

namespace Btf.Tests.Text;

public sealed class FieldOffsetsTests
{
    [Fact]
    public void MemberHasOffsetSizeAndType()
    {
        var found = Find("outer.a");

        Assert.Equal((28L, 16L, "int[4]", null), (found.ByteOffset!.Value, found.ByteSize!.Value, found.Type, found.BitSize));
    }

    [Fact]
    public void BitfieldHasItsBitWithinTheByte() =>
        Assert.Equal((24L, 3, 5), (Find("outer.high").ByteOffset!.Value, Find("outer.high").BitOffset!.Value, Find("outer.high").BitSize!.Value));

    [Fact]
    public void EmbeddedStructAddsItsOffset()
    {
        var found = Find("outer.i.n");

        Assert.Equal(16, found.ByteOffset);
        Assert.Equal([new FieldHop("outer", "i.n", 16)], found.Hops);
    }

    [Fact]
    public void PointerBeginsAnotherHopAndMembersWithoutNameAreCrossed()
    {
        var btf = new BtfFixture();
        var number = btf.Int();
        var target = btf.Struct("target", 16, ("before", number, 0), ("", btf.Composite(BtfKind.Union, "", 4, false, ("deep", number, 0)), 96));
        btf.Struct("s", 24, ("p", btf.Type(BtfKind.Ptr, sizeOrType: btf.Type(BtfKind.Const, sizeOrType: target)), 128));

        var found = new FieldOffsets(btf.Blob()).Find(FieldPath.Parse("s.p.deep"));

        Assert.Equal([new FieldHop("s", "p", 16), new FieldHop("target", "deep", 12)], found.Hops);
        Assert.Equal(12, found.ByteOffset);
    }

    [Theory]
    [InlineData("outer.state|i", "outer.i")]
    [InlineData("task.i|outer.state|inner.f", "inner.f")]
    public void FirstAlternativeThatIsThereCounts(string path, string found) => Assert.Equal(found, Find(path).Found);

    [Theory]
    [InlineData("outer.none", "outer has no member none")]
    [InlineData("none.x", "no struct or union none")]
    [InlineData("outer.a.x", "outer.a is int[4], which has no members")]
    public void WhatIsMissingIsTold(string path, string why) => Assert.Equal((null, why), (Find(path).Found, Find(path).Missing));

    [Theory]
    [InlineData("")]
    [InlineData("task_struct")]
    [InlineData("task_struct.")]
    [InlineData("a.b;c")]
    [InlineData("a.b|")]
    public void RefusesWhatIsNoPath(string path) => Assert.Throws<FormatException>(() => FieldPath.Parse(path));

    [Fact]
    public void TableHasAColumnPerHopAndMinusOneForWhatIsMissing()
    {
        var btf = new BtfFixture();
        btf.Struct("outer", 8, ("p", btf.Type(BtfKind.Ptr, sizeOrType: btf.Struct("t", 8, ("x", btf.Int(), 32))), 0));
        FieldPath[] paths = [FieldPath.Parse("outer.p.x"), FieldPath.Parse("outer.low")];
        using var text = new StringWriter();

        OffsetTable.WriteC([("one\"", Of(btf.Blob())), ("two", Of(BtfFixture.OfEveryKind().Blob()))], text);

        Assert.Equal(
            """
            /* Offsets in bytes; -1: the kernel has no such field. */
            struct btf_offsets {
            	const char *kernel;
            	int outer_p;
            	int outer_p_x;
            	int outer_low;
            	int outer_low_bit;
            	int outer_low_bits;
            };

            static const struct btf_offsets btf_offsets[] = {
            	{ "one\"", 0, 4, -1, -1, -1 },
            	{ "two", -1, -1, 24, 0, 3 },
            };

            """, text.ToString());

        IReadOnlyList<FieldOffset> Of(BtfBlob blob) => [.. paths.Select(new FieldOffsets(blob).Find)];
    }

    private static FieldOffset Find(string path) => new FieldOffsets(BtfFixture.OfEveryKind().Blob()).Find(FieldPath.Parse(path));
}
