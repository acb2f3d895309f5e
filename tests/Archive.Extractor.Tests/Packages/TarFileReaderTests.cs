using System.Formats.Tar;
using Archive.Extractor.Packages;

namespace Archive.Extractor.Tests.Packages;

public sealed class TarFileReaderTests
{
    private static readonly string LongName = "./" + string.Join('/', Enumerable.Repeat("folder", 30)) + "/file";

    [Theory]
    [InlineData(TarEntryFormat.Gnu)]
    [InlineData(TarEntryFormat.Pax)]
    [InlineData(TarEntryFormat.Ustar)]
    public void ReadsWhatTheFrameworkWrites(TarEntryFormat format)
    {
        var second = format == TarEntryFormat.Ustar ? "./" + new string('d', 90) + "/" + new string('f', 90) : LongName;
        var reader = Open(Samples.Tar(format, ("./a", [1, 2]), (second, new byte[513]), ("./c", [3])));
        var a = reader.Next()!;
        Assert.Equal(("./a", 2L), (a.Name, a.Size));
        Assert.Equal(second, reader.Next()!.Name);
        Assert.Equal(3, reader.Next()!.Content.ReadByte());
        Assert.Null(reader.Next());
    }

    [Fact]
    public void PassesOverFoldersAndLinksOfGnuTar()
    {
        using var workspace = new Workspace();
        Directory.CreateDirectory(workspace.PathOf("d"));
        File.CreateSymbolicLink(workspace.PathOf("d/a-link"), new string('t', 150));
        File.WriteAllText(workspace.PathOf("d/file"), "content");
        workspace.Run("ln", "d/file", "d/hard-link");
        var reader = Open(workspace.Run("tar", "-c", "--sort=name", "d"));
        Assert.Equal("d/file", reader.Next()!.Name);
        Assert.Null(reader.Next());
        Assert.Equal(5, reader.Entries);
    }

    [Fact]
    public void ReadsASizeThatIsWrittenInBinary()
    {
        var tar = Samples.Tar(TarEntryFormat.Gnu, ("a", [1]), ("b", [2]));
        tar.AsSpan(124, 12).Clear();
        (tar[124], tar[135]) = (0x80, 1);
        Assert.Equal(1, Open(FixChecksum(tar)).Next()!.Size);
    }

    [Fact]
    public void RefusesAWrongChecksum()
    {
        var tar = Samples.Tar(TarEntryFormat.Gnu, ("a", [1]));
        tar[0] ^= 1;
        Assert.Equal(148, Refused(tar).Offset);
    }

    [Fact]
    public void RefusesASizeThatIsNoNumber()
    {
        var tar = Samples.Tar(TarEntryFormat.Gnu, ("a", [1]));
        tar[130] = (byte)'9';
        Assert.Equal(124, Refused(FixChecksum(tar)).Offset);
    }

    [Fact]
    public void RefusesALongNameThatClaimsGigabytes()
    {
        var tar = Samples.Tar(TarEntryFormat.Gnu, (LongName, [1]));
        "17777777777\0"u8.CopyTo(tar.AsSpan(124));
        Assert.Equal(0x7fffffffUL, Refused(FixChecksum(tar)).Value);
    }

    [Fact]
    public void RefusesAPaxRecordThatPointsPastItsHeader()
    {
        var tar = Samples.Tar(TarEntryFormat.Pax, (LongName, [1]));
        tar[512] = (byte)'9';
        Assert.Contains("pax", Refused(tar).Message);
    }

    [Fact]
    public void RefusesMoreEntriesThanAllowed()
    {
        var reader = new TarFileReader(new MemoryStream(Samples.Tar(TarEntryFormat.Gnu, ("a", []), ("b", []))), "tar", maxEntries: 1);
        Assert.NotNull(reader.Next());
        Assert.Equal(2UL, Assert.Throws<PackageFormatException>(reader.Next).Value);
    }

    private static PackageFormatException Refused(byte[] tar) => Assert.Throws<PackageFormatException>(Open(tar).Next);

    private static TarFileReader Open(byte[] tar) => new(new MemoryStream(tar), "tar", maxEntries: 100);

    private static byte[] FixChecksum(byte[] tar)
    {
        tar.AsSpan(148, 8).Fill((byte)' ');
        var sum = tar.AsSpan(0, 512).ToArray().Sum(static b => b);
        System.Text.Encoding.ASCII.GetBytes(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0 ").CopyTo(tar, 148);
        return tar;
    }
}
