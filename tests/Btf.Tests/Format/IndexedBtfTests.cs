using Btf.Format;

namespace Btf.Tests.Format;

public sealed class IndexedBtfTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("btf-indexed-");

    public void Dispose() => _folder.Delete(recursive: true);

    private string File(string name) => Path.Combine(_folder.FullName, name);

    private static BtfBlob Example()
    {
        var fixture = new BtfFixture();
        var number = fixture.Int();
        fixture.Struct("task", 4, ("pid", number, 0));
        fixture.Struct("task___old", 8, ("pid", number, 32));
        fixture.Int("long", 4, 32);
        return BtfBlob.Parse(fixture.Bytes());
    }

    private string Write(BtfBlob blob)
    {
        using var file = System.IO.File.Create(File("kernel"));
        IndexedBtf.Write(blob, file);
        return file.Name;
    }

    [Fact]
    public void OpensWithTypesAndNamesAsTheyWere()
    {
        var blob = Example();

        using var opened = IndexedBtf.Open(Write(blob));

        Assert.Equal(blob.Bytes.ToArray(), opened.Blob.Bytes.ToArray());
        Assert.Equal((blob.TypeCount, 4), (opened.Blob.TypeCount, opened.Blob.PointerSize));
        Assert.Equal(blob.Find("task"), opened.Blob.Find("task"));
        Assert.Equal(blob.Find("task___old"), opened.Blob.Find("task___old"));
        Assert.Empty(opened.Blob.Find("mm"));
        Assert.Equal("pid", opened.Blob[2].Members[0].Name);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(23)]
    [InlineData(60)]
    [InlineData(-1)]
    public void RefusesFilesThatAreCutOff(int length)
    {
        var whole = System.IO.File.ReadAllBytes(Write(Example()));
        System.IO.File.WriteAllBytes(File("short"), length < 0 ? whole[..^1] : whole[..length]);

        Assert.Throws<BtfFormatException>(() => IndexedBtf.Open(File("short")));
    }

    [Fact]
    public void RefusesOtherVersions()
    {
        var bytes = System.IO.File.ReadAllBytes(Write(Example()));
        bytes[4]++;
        System.IO.File.WriteAllBytes(File("other"), bytes);

        Assert.Throws<BtfFormatException>(() => IndexedBtf.Open(File("other")));
    }
}
