using System.Text;
using Archive.Extractor.Packages;

namespace Archive.Extractor.Tests.Packages;

public sealed class BtfTarballTests
{
    private const string Uname = Samples.Uname;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(512)]
    [InlineData(8_703)]
    [InlineData(8_704)] // header, content and two empty blocks fill a record exactly
    [InlineData(8_705)]
    [InlineData(300_000)]
    public void TheTarIsThatOfGnuTarByteForByte(int length)
    {
        using var workspace = new Workspace();
        var btf = Samples.Image(length);
        File.WriteAllBytes(workspace.PathOf($"{Uname}.btf"), btf);
        var theirs = workspace.Run(
            "tar", "-c", "--format=gnu", "--sort=name", "--owner=root:0", "--group=root:0", "--mode=a=r", "--mtime=@0", $"{Uname}.btf");
        Assert.Equal(theirs, BtfTarball.Tar(Uname, btf));
    }

    [Fact]
    public void GnuTarUnpacksTheTarball()
    {
        using var workspace = new Workspace();
        var btf = Samples.Image();
        File.WriteAllBytes(workspace.PathOf("t.tar.xz"), BtfTarball.Pack(Uname, btf, threads: 2));
        workspace.Run("tar", "-xJf", "t.tar.xz");
        Assert.Equal(btf, File.ReadAllBytes(workspace.PathOf($"{Uname}.btf")));
        Assert.Equal("444 root:root 0\n", Encoding.ASCII.GetString(workspace.Run("sh", "-c", "tar -xJf t.tar.xz --to-command='echo ${TAR_MODE#0} $TAR_UNAME:$TAR_GNAME ${TAR_MTIME%.*}'")));
    }

    [Fact]
    public void TheTarballIsTheSameForAnyNumberOfThreads()
    {
        var btf = new byte[5_000_000]; // three blocks
        Samples.Image(100_000).CopyTo(btf, 3_000_000);
        Assert.Equal(BtfTarball.Pack(Uname, btf, threads: 1), BtfTarball.Pack(Uname, btf, threads: 4));
    }

    [Fact]
    public void TheReaderReturnsWhatWasPacked()
    {
        var btf = Samples.Image();
        var (name, read) = BtfTarball.Unpack(new MemoryStream(BtfTarball.Pack(Uname, btf, threads: 1)));
        Assert.Equal($"{Uname}.btf", name);
        Assert.Equal(btf, read);
    }

    [Fact]
    public void TheReaderRefusesATarballWithoutAFile() =>
        Assert.Throws<PackageFormatException>(() => BtfTarball.Unpack(new MemoryStream(new byte[10240])));

    [Fact]
    public void TheReaderRefusesAMemberThatClaimsGigabytes()
    {
        var block = new byte[512];
        TarHeader.Write(block, "x.btf", 3L << 30);
        Assert.Equal(3UL << 30, Assert.Throws<PackageFormatException>(() => BtfTarball.Unpack(new MemoryStream(block))).Value);
    }

    [Theory]
    [InlineData("")]
    [InlineData("../etc/passwd")]
    [InlineData(".hidden")]
    [InlineData("a/b")]
    [InlineData("a b")]
    [InlineData("6.1.0-ä")]
    [InlineData("a-release-that-is-longer-than-the-kernel-allows-which-is-64-bytes")]
    public void RefusesAUnameThatIsNoFileName(string uname) =>
        Assert.Throws<ValidationException>(() => BtfTarball.Tar(uname, []));
}
