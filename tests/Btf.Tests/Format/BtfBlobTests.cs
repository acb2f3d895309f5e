using Btf.Format;
using Btf.Format.Validation;

namespace Btf.Tests.Format;

public sealed class BtfBlobTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ReadsEveryKindInEitherByteOrder(bool bigEndian)
    {
        var blob = BtfFixture.OfEveryKind(bigEndian).Blob();

        Assert.Equal(bigEndian, blob.IsBigEndian);
        Assert.Equal(Enum.GetValues<BtfKind>().Skip(1), blob.CountByKind().Keys.Order());
    }

    [Fact]
    public void ReadsMembersWithBitfieldsOfKindFlag()
    {
        var outer = BtfFixture.OfEveryKind().Blob().Find(BtfKind.Struct, "outer")!.Value;

        Assert.Equal(5, outer.Members.Count);
        Assert.Equal(("high", 195u, (byte)5), (outer.Members[2].Name, outer.Members[2].BitOffset, outer.Members[2].BitfieldSize));
    }

    [Fact]
    public void ReadsMemberOffsetWholeWithoutKindFlag()
    {
        var btf = new BtfFixture();
        btf.Struct("far", 0x1000_0000, ("m", btf.Int(), 0x4000_0000));

        Assert.Equal(0x4000_0000u, btf.Blob()[2].Members[0].BitOffset);
    }

    [Fact]
    public void ReadsSignedEnum64()
    {
        var wide = BtfFixture.OfEveryKind().Blob().Find(BtfKind.Enum64, "wide")!.Value;

        Assert.Equal(-2, wide.Enumerators[0].Value);
    }

    [Theory]
    [InlineData(true, -1)]
    [InlineData(false, 0xffff_ffff)]
    public void SignExtendsEnumOnlyWithKindFlag(bool signed, long value)
    {
        var btf = new BtfFixture();
        btf.Type(BtfKind.Enum, "e", 1, signed, 4, btf.Name("ALL"), 0xffff_ffff);

        Assert.Equal(value, btf.Blob()[1].Enumerators[0].Value);
    }

    [Fact]
    public void ReadsVlenOf24BitsAndKindOfSeven()
    {
        var btf = new BtfFixture();
        btf.Words([0, 19u << 24 | 0x1_0001, 8, .. new uint[3 * 0x1_0001]]);

        var type = btf.Blob()[1];

        Assert.Equal((BtfKind.Enum64, 0x1_0001), (type.Kind, type.Vlen));
    }

    [Theory]
    [InlineData(24u)]
    [InlineData(32u)]
    [InlineData(40u)]
    public void ReadsHeadersOfAnyLengthWithZeroTail(uint headerLength) =>
        Assert.Equal("int", BtfBlob.Parse(BtfFixture.OfEveryKind().Bytes(headerLength))[1].Name);

    [Fact]
    public void RejectsHeaderWithUnknownTail()
    {
        var bytes = BtfFixture.OfEveryKind().Bytes(40);
        bytes[36] = 1;

        Assert.Equal(36, Assert.Throws<BtfFormatException>(() => BtfBlob.Parse(bytes)).Offset);
    }

    [Fact]
    public void RejectsOtherMagic()
    {
        var bytes = BtfFixture.OfEveryKind().Bytes();
        bytes[0] = 0x7f;

        Assert.Contains("magic", Assert.Throws<BtfFormatException>(() => BtfBlob.Parse(bytes)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RejectsEveryTruncation()
    {
        var bytes = BtfFixture.OfEveryKind().Bytes();

        for (var length = 0; length < bytes.Length; length++)
            Assert.Throws<BtfFormatException>(() => BtfBlob.Parse(bytes.AsMemory(0, length)));
    }

    [Fact]
    public void RejectsUnknownKind()
    {
        var btf = new BtfFixture();
        btf.Type((BtfKind)20);

        Assert.Equal(20ul, Assert.Throws<BtfFormatException>(() => btf.Blob()).Value);
    }

    [Fact]
    public void RejectsRecordThatEndsPastTheTypes()
    {
        var btf = new BtfFixture();
        btf.Type(BtfKind.Struct, vlen: 2, trailing: [0, 0, 0]);

        Assert.Equal(36ul, Assert.Throws<BtfFormatException>(() => btf.Blob()).Value);
    }

    [Fact]
    public void RejectsStringsWithoutFinalNul()
    {
        var bytes = BtfFixture.OfEveryKind().Bytes();
        bytes[^1] = (byte)'x';

        Assert.Equal(BtfBlob.StringsSection, Assert.Throws<BtfFormatException>(() => BtfBlob.Parse(bytes)).Section);
    }

    [Fact]
    public void RaisesOnNameOffsetPastTheStringsWhenFollowed()
    {
        var btf = new BtfFixture();
        btf.Words(1000, BtfFixture.Info(BtfKind.Fwd, 0), 0);
        var blob = btf.Blob();

        Assert.Equal(1000ul, Assert.Throws<BtfFormatException>(() => blob[1].Name).Value);
    }

    [Fact]
    public void RaisesOnTypeIdOutOfRangeWhenFollowed()
    {
        var blob = BtfFixture.OfEveryKind().Blob();

        Assert.Equal(blob.EndId, Assert.Throws<BtfFormatException>(() => blob[blob.EndId]).Value);
    }

    [Fact]
    public void FindsTypesOfOneNameInOrderOfId()
    {
        var btf = new BtfFixture();
        var integer = btf.Int("twice");
        var other = btf.Type(BtfKind.Typedef, "other", sizeOrType: integer);
        var typedef = btf.Type(BtfKind.Typedef, "twice", sizeOrType: other);

        var blob = btf.Blob();

        Assert.Equal([integer, typedef], blob.Find("twice"));
        Assert.Equal(typedef, blob.Find(BtfKind.Typedef, "twice")?.Id);
        Assert.Null(blob.Find(BtfKind.Struct, "twice"));
    }

    [Fact]
    public void SplitBtfContinuesIdsAndNamesOfItsBase()
    {
        var baseBtf = BtfFixture.OfEveryKind().Blob();
        var module = new BtfFixture(firstId: baseBtf.EndId, firstNameOffset: baseBtf.EndNameOffset);
        module.Struct("module_state", 24, ("inner", baseBtf.Find(BtfKind.Struct, "inner")!.Value.Id, 0));

        var split = module.Blob(baseBtf);
        var state = split[baseBtf.EndId];

        Assert.Equal(("module_state", "inner"), (state.Name, state.Members[0].Name));
        Assert.Equal("inner", split[state.Members[0].TypeId].Name);
        Assert.Equal(baseBtf.Find("int"), split.Find("int"));
        Assert.Empty(BtfValidator.Check(split));
    }

    [Fact]
    public void PointerSizeIsThatOfLong()
    {
        var btf = new BtfFixture();
        btf.Int();
        btf.Int("long unsigned int", size: 4);

        Assert.Equal(4, btf.Blob().PointerSize);
    }
}
