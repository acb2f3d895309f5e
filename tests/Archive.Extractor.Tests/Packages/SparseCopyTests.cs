using System.Formats.Tar;
using Archive.Extractor.Packages;
using Btf.Elf;

namespace Archive.Extractor.Tests.Packages;

/// <summary>Of a package that is a file, only the blocks that matter are decoded: tested by damaging the others.</summary>
public sealed class SparseCopyTests : IDisposable
{
    private const int BlockBytes = 1 << 16;
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData("-T2")]
    [InlineData("-T2 --check=none")]
    [InlineData("-T2 --check=crc32")]
    [InlineData("-T2 --check=sha256")]
    [InlineData("-T1")]
    public void GivesTheSameBtfAsTheWholeImage(string options)
    {
        var image = LinkedImage("-Wl,--emit-relocs");
        var whole = Extract(image);
        Assert.NotEmpty(whole);
        Assert.Equal(whole, Extract(Package(options, Tar(image))));
    }

    [Fact]
    public void BlocksOfKeptRelocationsAreNotDecoded()
    {
        var image = LinkedImage("-Wl,--emit-relocs");
        var relocations = SectionOf(image, ".rela.data");
        var package = Package("-T2", Tar(image));
        var blocks = Blocks(package, image);
        Damage(package, blocks, relocations.Offset + (relocations.Size / 2));
        Assert.Equal(Extract(image), Extract(package));
        // Read from its beginning, as a download is, the same package is refused.
        using var stream = File.OpenRead(package);
        Assert.Throws<PackageFormatException>(() => Extractor().Spool(stream));
    }

    [Theory]
    [InlineData(".debug_info")]
    [InlineData(".data")]
    [InlineData(".shstrtab")]
    public void DamageInABlockThatIsWantedIsTold(string section)
    {
        var image = LinkedImage("-Wl,--emit-relocs");
        var package = Package("-T2", Tar(image));
        var wanted = SectionOf(image, section);
        Damage(package, Blocks(package, image), wanted.Offset + (wanted.Size / 2));
        Assert.Throws<PackageFormatException>(() => Extract(package));
    }

    [Fact]
    public void DwarfIsNotDecodedWhereTheImageHasBtf()
    {
        var dwarf = LinkedImage("-Wl,--build-id", string.Concat(Enumerable.Range(0, 4000).Select(i => $"struct s{i} {{ int a{i}; struct s{i} *b; }} v{i};\n")));
        File.WriteAllBytes(_workspace.PathOf("btf"), Extract(dwarf));
        _workspace.Run("objcopy", "--add-section", ".BTF=btf", "image", "image2");
        var image = _workspace.PathOf("image2");
        var package = Package("-T2", Tar(image));
        var units = SectionOf(image, ".debug_info");
        Damage(package, Blocks(package, image), units.Offset + (units.Size / 2));
        Assert.Equal(File.ReadAllBytes(_workspace.PathOf("btf")), Extract(package, BtfSource.Auto));
        Assert.Throws<PackageFormatException>(() => Extract(package));
        Assert.Throws<PackageFormatException>(() => Extractor(new(BtfSource.Auto, 2) { Inventory = true }).ExtractFile(package));
    }

    [Fact]
    public void APackageThatIsCutOffIsRefused()
    {
        var image = LinkedImage("-Wl,--emit-relocs");
        var path = Package("-T2", Tar(image));
        var last = Blocks(path, image).BlockOf(new FileInfo(image).Length - 1);
        var package = File.ReadAllBytes(path);
        foreach (var length in new[] { last.Packed, last.Packed / 2, last.Packed / 9 })
        {
            File.WriteAllBytes(path, package[..(int)length]);
            Assert.Throws<PackageFormatException>(() => Extract(path));
        }
    }

    [Fact]
    public void AnObjectKeepsItsRelocations()
    {
        // What is not linked yet needs them: references from .debug_info to .debug_str are among them.
        var image = LinkedImage("-r");
        Assert.Equal(Extract(image), Extract(Package("-T2", Tar(image))));
    }

    [Fact]
    public void ProgressReachesTheWholeImage()
    {
        var image = LinkedImage("-Wl,--emit-relocs");
        var reports = new Reports();
        Extractor().ExtractFile(Package("-T2", Tar(image)), reports);
        Assert.Equal(new FileInfo(image).Length, reports.Unpacked);
    }

    [Fact]
    public void AnyPartOfTheImageCanBeOpened()
    {
        var image = LinkedImage("-Wl,--emit-relocs");
        var bytes = File.ReadAllBytes(image);
        var blocks = Blocks(Package("-T2", Tar(image)), image);
        foreach (var offset in new[] { 0, 1, BlockBytes - 1, BlockBytes, (5 * BlockBytes) + 17, bytes.Length - 1 })
        {
            var length = Math.Min(100_000, bytes.Length - offset);
            using var part = blocks.Open(offset, offset + length);
            var read = new byte[length];
            part.ReadExactly(read);
            Assert.Equal(bytes[offset..(offset + length)], read);
        }
    }

    /// <summary>A linked program with DWARF and 2.4 MB of relocations.</summary>
    private string LinkedImage(string link, string more = "")
    {
        File.WriteAllText(_workspace.PathOf("program.c"), more + """
            struct task { int pid; struct task *next; char name[16]; };
            struct task first;
            struct task *all[] = { [0 ... 99999] = &first };
            int filler[300000] = { 1 };
            int main(void) { return all[3]->pid; }
            """);
        _workspace.Run("gcc", ["-g", "-O1", "-nostdlib", "-static", "-no-pie", "-Wl,-emain", link, "-o", "image", "program.c"]);
        return _workspace.PathOf("image");
    }

    private static byte[] Tar(string image) =>
        Samples.Tar(TarEntryFormat.Gnu, ("./usr/lib/debug/boot/System.map", new byte[1000]), (Samples.ImageEntry, File.ReadAllBytes(image)), ("./z", new byte[1 << 20]));

    private string Package(string options, byte[] tar)
    {
        File.WriteAllBytes(_workspace.PathOf("data.tar"), tar);
        var data = _workspace.Run("xz", ["-0", .. options.Split(' '), $"--block-size={BlockBytes}", "-c", "data.tar"]);
        File.WriteAllBytes(_workspace.PathOf("p.deb"), Samples.DebOf(data, "data.tar.xz"));
        return _workspace.PathOf("p.deb");
    }

    private byte[] Extract(string path, BtfSource source = BtfSource.Dwarf) => Extractor(new(source, 2)).ExtractFile(path).Kernel.Bytes;

    private KernelExtractor Extractor(ConversionOptions? options = null) => new(_workspace.Folder, options ?? new(BtfSource.Dwarf, 2));

    private static ElfSection SectionOf(string image, string name)
    {
        using var elf = ElfImage.Open(image);
        return elf.Find(name)!;
    }

    private static ImageBlocks Blocks(string package, string image)
    {
        using var stream = File.OpenRead(package);
        using var deb = DebPackage.Open(stream, ExtractionLimits.Default, 1);
        _ = deb.Files.Next();
        var found = deb.Files.Next()!;
        Assert.Equal(new FileInfo(image).Length, found.Size);
        return ImageBlocks.Find(File.OpenHandle(package), deb.DataMember, found, ExtractionLimits.Default, 2)!;
    }

    /// <summary>Changes bytes of the block that holds a byte of the image.</summary>
    private static void Damage(string package, ImageBlocks blocks, long offset)
    {
        using var file = new FileStream(package, FileMode.Open, FileAccess.ReadWrite);
        var block = blocks.BlockOf(offset);
        file.Position = (block.Packed + block.PackedEnd) / 2;
        file.Write([0xde, 0xad, 0xbe, 0xef]);
    }

    private sealed class Reports : IProgress<ExtractionProgress>
    {
        public long Unpacked { get; private set; }

        public void Report(ExtractionProgress value) => Unpacked = value.Stage == ExtractionStage.Unpacking ? value.ImageBytes : Unpacked;
    }
}
