using System.Formats.Tar;
using System.IO.MemoryMappedFiles;
using Archive.Extractor.Packages;

namespace Archive.Extractor.Tests.Packages;

public sealed class KernelExtractorTests : IDisposable
{
    private readonly Workspace _workspace = new();
    private readonly string _work;

    public KernelExtractorTests() => _work = Directory.CreateDirectory(_workspace.PathOf("work")).FullName;

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData("xz")]
    [InlineData("zstd")]
    [InlineData("gzip")]
    [InlineData("none")]
    public void TakesTheKernelImageOutOfARealPackage(string compression)
    {
        var image = Samples.Image();
        using var spooled = Spool(Samples.Deb(_workspace, compression, image));
        Assert.Equal(Samples.Uname, spooled.Uname);
        Assert.Equal(Samples.ImageEntry, spooled.Entry);
        Assert.Equal(image, File.ReadAllBytes(spooled.Path));
    }

    [Fact]
    public void NothingIsLeftInTheWorkFolderEvenWhileTheImageIsOpen()
    {
        using var spooled = Spool(Samples.DebOf(TarOf(Samples.ImageEntry)));
        Assert.Empty(Directory.GetFileSystemEntries(_work));
    }

    [Fact]
    public void TheImageCanBeMappedIntoMemory()
    {
        using var spooled = Spool(Samples.DebOf(TarOf(Samples.ImageEntry, 5000)));
        using var map = MemoryMappedFile.CreateFromFile(spooled.Path, FileMode.Open, null, 0, MemoryMappedFileAccess.Read);
        using var view = map.CreateViewAccessor(0, spooled.Size, MemoryMappedFileAccess.Read);
        Assert.Equal(Samples.Image(5000)[4999], view.ReadByte(4999));
    }

    [Theory]
    [InlineData("xz")]
    [InlineData("zstd")]
    [InlineData("gzip")]
    public void RefusesAPackageThatIsCutOff(string compression)
    {
        var deb = Samples.Deb(_workspace, compression, Samples.Image());
        for (var length = 1; length < deb.Length * 9 / 10; length += 4999)
            Assert.Throws<PackageFormatException>(() => Spool(deb[..length]));
        Assert.Empty(Directory.GetFileSystemEntries(_work));
    }

    [Fact]
    public void ReadsThePackageNoFurtherThanItNeeds()
    {
        byte[] deb = [.. Samples.DebOf(TarOf(Samples.ImageEntry, 1000)), .. new byte[64 << 20]];
        using var source = new MemoryStream(deb);
        using var spooled = Extractor().Spool(source);
        Assert.InRange(source.Position, 1000, 32 << 20);
        var position = source.Position;
        Thread.Sleep(50);
        Assert.Equal(position, source.Position);
    }

    [Theory]
    [InlineData("../../etc/vmlinux-1")]
    [InlineData("/usr/lib/debug/boot/../vmlinux-1")]
    [InlineData("./usr/lib/debug/boot/vmlinux-../../x")]
    [InlineData("./usr/lib/debug/boot/vmlinux-")]
    [InlineData("./srv/boot/vmlinux-1")]
    [InlineData("./usr/lib/debug/boot/vmlinux-1/x")]
    [InlineData("./usr/lib/debug/boot/vmlinux-1\n")]
    public void PassesOverNamesThatOnlyLookLikeAKernelImage(string name) =>
        Assert.Throws<NoDebugInfoException>(() => Spool(Samples.DebOf(TarOf(name))));

    [Theory]
    [InlineData("./usr/lib/debug/boot/vmlinux-6.1.0-56-amd64", "6.1.0-56-amd64")]
    [InlineData("./usr/lib/debug/lib/modules/6.12.107+deb13-amd64/vmlinux", "6.12.107+deb13-amd64")]
    [InlineData("usr/lib/debug/boot/vmlinux-5.4.0-1-generic.debug", "5.4.0-1-generic")]
    [InlineData("/boot/vmlinux-6.1.0~rc1_x", "6.1.0~rc1_x")]
    public void FindsTheImageWhereDistrosPutIt(string name, string uname)
    {
        using var spooled = Spool(Samples.DebOf(TarOf(name)));
        Assert.Equal(uname, spooled.Uname);
    }

    [Fact]
    public void PassesOverASymbolicLinkToTheImage()
    {
        using var tar = new MemoryStream();
        using (var writer = new TarWriter(tar, TarEntryFormat.Gnu, leaveOpen: true))
            writer.WriteEntry(new GnuTarEntry(TarEntryType.SymbolicLink, Samples.ImageEntry) { LinkName = "/etc/passwd" });
        Assert.Throws<NoDebugInfoException>(() => Spool(Samples.DebOf(tar.ToArray())));
    }

    [Fact]
    public void RefusesAPackageWithoutData() =>
        Assert.Contains("data.tar", Refused(Samples.Ar(("debian-binary", "2.0\n"u8.ToArray()))).Message);

    [Fact]
    public void RefusesAnArchiveThatIsNoPackage() => Refused(Samples.Ar(("x.o", [1])));

    [Fact]
    public void RefusesAnotherFormatOfPackage() => Refused(Samples.Ar(("debian-binary", "3.0\n"u8.ToArray())));

    [Fact]
    public void RefusesWhatIsNoPackageAtAll() => Refused("<html>404</html>"u8.ToArray());

    [Fact]
    public void RefusesAnEmptyFile() => Refused([]);

    [Fact]
    public void RefusesABombThatExpandsTooManyTimes()
    {
        var bomb = new byte[100 << 20];
        TarHeader.Write(bomb, Samples.ImageEntry, bomb.Length);
        var problem = Refused(Samples.DebOf(Compressed(bomb), "data.tar.xz"));
        Assert.Contains("expands more than 100 times", problem.Message);
        Assert.InRange(problem.Value!.Value, 64UL << 20, 70UL << 20);
    }

    [Fact]
    public void RefusesAPackageThatExpandsBeyondTheLimit()
    {
        var limits = new ExtractionLimits { MaxExpandedBytes = 100_000 };
        Assert.Contains("beyond 100000", Refused(Samples.DebOf(TarOf(Samples.ImageEntry, 200_000)), limits).Message);
    }

    [Fact]
    public void RefusesAnImageBeyondTheLimit()
    {
        var limits = new ExtractionLimits { MaxImageBytes = 999 };
        Assert.Equal(1000UL, Refused(Samples.DebOf(TarOf(Samples.ImageEntry, 1000)), limits).Value);
    }

    [Fact]
    public void RefusesAnImageThatIsShorterThanItsSize()
    {
        var problem = Refused(Samples.DebOf(TarOf(Samples.ImageEntry, 5000)[..2000]));
        Assert.Equal((464L, 5000UL), (problem.Offset, problem.Value!.Value));
    }

    [Fact]
    public void ReportsHowFarItHasCome()
    {
        var reports = new Reports();
        var deb = Samples.DebOf(TarOf(Samples.ImageEntry, 3_000_000));
        using var source = new MemoryStream(deb);
        using var spooled = Extractor().Spool(source, reports);
        Assert.Equal(3, reports.Seen.Count);
        Assert.Equal(new(ExtractionStage.Unpacking, deb.Length, 3_000_000, 3_000_000), reports.Seen[^1]);
    }

    [Fact]
    public void AnErrorOfTheSourceReachesTheCallerAsItIs()
    {
        using var source = new FailingStream(Samples.DebOf(TarOf(Samples.ImageEntry, 3_000_000))[..500_000]);
        Assert.Equal("the network is down", Assert.Throws<IOException>(() => Extractor().Spool(source)).Message);
    }

    [Fact]
    public void CanBeCancelledWhileTheSourceStalls()
    {
        using var cancellation = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        using var pipe = new System.IO.Pipes.AnonymousPipeServerStream(System.IO.Pipes.PipeDirection.In);
        Assert.ThrowsAny<OperationCanceledException>(() => Extractor().Spool(pipe, null, cancellation.Token));
    }

    private static byte[] TarOf(string name, int length = 1000) =>
        Samples.Tar(TarEntryFormat.Gnu, ("./usr/lib/debug/boot/System.map", [1]), (name, Samples.Image(length)));

    private byte[] Compressed(byte[] data)
    {
        File.WriteAllBytes(_workspace.PathOf("plain"), data);
        return _workspace.Run("xz", "-0", "-c", "plain");
    }

    private PackageFormatException Refused(byte[] package, ExtractionLimits? limits = null) =>
        Assert.Throws<PackageFormatException>(() => Spool(package, limits));

    private SpooledImage Spool(byte[] package, ExtractionLimits? limits = null) =>
        Extractor(limits).Spool(new MemoryStream(package));

    private KernelExtractor Extractor(ExtractionLimits? limits = null) => new(_work, new ConversionOptions(BtfSource.Auto, 2), limits);

    private sealed class Reports : IProgress<ExtractionProgress>
    {
        public List<ExtractionProgress> Seen { get; } = [];

        public void Report(ExtractionProgress value)
        {
            if (value.Stage == ExtractionStage.Unpacking)
                Seen.Add(value);
        }
    }

    private sealed class FailingStream(byte[] start) : ForwardOnlyStream
    {
        private int _position;

        public override int Read(Span<byte> buffer)
        {
            if (_position == start.Length)
                throw new IOException("the network is down");
            var count = Math.Min(buffer.Length, start.Length - _position);
            start.AsSpan(_position, count).CopyTo(buffer);
            _position += count;
            return count;
        }
    }
}
