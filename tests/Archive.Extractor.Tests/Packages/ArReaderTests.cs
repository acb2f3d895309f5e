using Archive.Extractor.Packages;

namespace Archive.Extractor.Tests.Packages;

public sealed class ArReaderTests
{
    [Fact]
    public void ReadsMembersInTurnWhetherOrNotTheirContentIsRead()
    {
        var reader = Open(Samples.Ar(("one", [1, 2, 3]), ("two/", [4, 5]), ("three", [6])));
        Assert.Equal("one", reader.Next()!.Name);
        var two = reader.Next()!;
        Assert.Equal(("two", 2L), (two.Name, two.Size));
        Assert.Equal([4, 5], ReadAll(two.Content));
        Assert.Equal("three", reader.Next()!.Name);
        Assert.Null(reader.Next());
    }

    [Fact]
    public void RefusesAnotherMagic() => Refused("!<arch>\r"u8.ToArray(), offset: 0);

    [Fact]
    public void RefusesAnEmptyFile() => Refused([], offset: 0);

    [Fact]
    public void RefusesAHeaderThatIsCutOff() => Refused(Samples.Ar(("one", []))[..^1], offset: 8);

    [Fact]
    public void RefusesAHeaderWithoutItsEnd()
    {
        var archive = Samples.Ar(("one", []));
        archive[8 + 58] = (byte)'x';
        Refused(archive, offset: 66);
    }

    [Theory]
    [InlineData("-1")]
    [InlineData("12x")]
    [InlineData("")]
    [InlineData("0x10")]
    public void RefusesASizeThatIsNoNumber(string size)
    {
        var archive = Samples.Ar(("one", []));
        System.Text.Encoding.ASCII.GetBytes(size.PadRight(10)).CopyTo(archive, 8 + 48);
        Refused(archive, offset: 56);
    }

    [Fact]
    public void RefusesAnUnprintableName()
    {
        var archive = Samples.Ar(("one", []));
        archive[9] = 0;
        Refused(archive, offset: 8);
    }

    [Fact]
    public void SaysWhichMemberIsShorterThanItsSize()
    {
        var content = Open(Samples.Ar(("data.tar", new byte[100]))[..^40]).Next()!.Content;
        var problem = Assert.Throws<PackageFormatException>(() => ReadAll(content));
        Assert.Equal(("data.tar", 60L, 100UL), (problem.Section, problem.Offset, problem.Value!.Value));
    }

    private static void Refused(byte[] archive, long offset) =>
        Assert.Equal(offset, Assert.Throws<PackageFormatException>(() => Open(archive).Next()).Offset);

    private static ArReader Open(byte[] archive) => new(new MemoryStream(archive), "package");

    private static byte[] ReadAll(Stream content)
    {
        using var copy = new MemoryStream();
        content.CopyTo(copy);
        return copy.ToArray();
    }
}
