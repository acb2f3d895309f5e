using Archive.Extractor.Commands;
using Archive.Extractor.Packages;
using Archive.Extractor.Vmlinuz;
using Btf.Format;
using TestKit;

namespace Archive.Extractor.Tests.Vmlinuz;

/// <summary>Debian's image packages, against the debug packages of the same builds and against binutils.</summary>
[Trait("Category", "Real")]
public sealed class RealBootImageTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("bookworm", "amd64", "bzImage lz4")]
    [InlineData("trixie", "amd64", "bzImage zstd")]
    [InlineData("bookworm", "arm64", "Image")]
    public void ImagePackageGivesWhatTheDebugPackageHas(string suite, string arch, string form)
    {
        var debug = (suite, arch) switch
        {
            ("bookworm", "amd64") => KernelCorpus.BookwormCloudAmd64,
            ("trixie", _) => KernelCorpus.TrixieCloudAmd64,
            _ => KernelCorpus.BookwormCloudArm64,
        };
        var image = KernelCorpus.Image(debug.Uname, arch);
        Assert.Equal(debug.PackageVersion, image.PackageVersion);
        var (uname, kernel) = Extract(image);

        var objcopy = arch == "arm64" ? "aarch64-linux-gnu-objcopy" : "objcopy";
        Tool.Run(objcopy, "--dump-section", $".BTF={_folder.File("own")}", debug.VmlinuxPath, "/dev/null");
        Assert.Equal(File.ReadAllBytes(_folder.File("own")), kernel.Bytes);
        var own = VmlinuxConverter.Convert(debug.VmlinuxPath, new ConversionOptions(BtfSource.Btf, 1));
        Assert.Equal(own.Facts with { BootImage = form }, kernel.Facts);
        Assert.NotNull(own.Facts.BuildId);
        Assert.Equal((debug.Uname, debug.Uname), (uname, kernel.Facts.Release));
        Assert.Equal(own.TypeCounts.OrderBy(c => c.Key), kernel.TypeCounts.OrderBy(c => c.Key));
    }

    [Fact]
    public void FindsTheBtfOfABigEndianKernelInItsBootImage()
    {
        var image = KernelCorpus.TrixieS390xImage;
        var (uname, kernel) = Extract(image);
        PublicationChecks.Check(kernel, uname);
        Assert.Equal((image.Uname, "s390x", "bzImage zstd"), (kernel.Facts.Release, kernel.Facts.Arch, kernel.Facts.BootImage));
        Assert.True(BtfBlob.Parse(kernel.Bytes).IsBigEndian);
        Assert.Matches("^[0-9a-f]{40}$", kernel.Facts.BuildId);
    }

    [Fact]
    public void UnpacksAZbootImage()
    {
        var (package, file) = (KernelCorpus.SidLoong64Binary.PackagePath, _folder.File("vmlinuz"));
        Tool.Shell($"dpkg-deb --fsys-tarfile '{package}' | tar -xO --wildcards '*/vmlinuz' > '{file}'");
        var kernel = new BootImageReader(ExtractionLimits.Default, default).Unpack(File.ReadAllBytes(file));
        Assert.Equal(("zboot zstd Image", "loong64", false), (kernel.Form, kernel.Arch, kernel.IsElf));
        Assert.Contains("-loong64 (", KernelBanner.Find(kernel.Bytes.Span));
    }

    /// <summary>Its build adds to the BTF what is there already; and its modules are in a package of their own.</summary>
    [Fact]
    public void TakesTheBtfOfTheNewestKernelAndItsModules()
    {
        Assert.Equal(KernelCorpus.SidCloudArm64Binary.PackageVersion, KernelCorpus.SidCloudArm64Modules.PackageVersion);
        var command = ExtractCommand.Create().Parse([
            "-o", _folder.File("kernel.btf"), KernelCorpus.SidCloudArm64Binary.PackagePath,
            "--modules", _folder.File("modules"), "--modules-package", KernelCorpus.SidCloudArm64Modules.PackagePath]);
        command.InvocationConfiguration.Output = command.InvocationConfiguration.Error = TextWriter.Null;
        Assert.Equal(ExtractCommand.Done, command.Invoke());
        var dump = Tool.Run("bpftool", "btf", "dump", "file", _folder.File("modules/xfs.btf"), "-B", _folder.File("kernel.btf"), "format", "raw");
        Assert.Contains("STRUCT 'xfs_mount'", dump);
    }

    [Fact]
    public void AKernelThatShipsNoBtfIsToldApart() =>
        Assert.Throws<NoDebugInfoException>(() => Extract(KernelCorpus.BookwormS390xImage));

    [Theory]
    [InlineData("bookworm", ".ko")]
    [InlineData("trixie", ".ko.xz")]
    public void ModulesHaveTheBtfThatBinutilsFindsInThem(string suite, string extension)
    {
        var debug = suite == "trixie" ? KernelCorpus.TrixieCloudAmd64 : KernelCorpus.BookwormCloudAmd64;
        var package = KernelCorpus.Image(debug.Uname).PackagePath;
        var command = ExtractCommand.Create().Parse(["-o", _folder.File("kernel.btf"), "--modules", _folder.File("modules"), package]);
        command.InvocationConfiguration.Output = command.InvocationConfiguration.Error = TextWriter.Null;
        Assert.Equal(ExtractCommand.Done, command.Invoke());

        Tool.Run("dpkg-deb", "-x", package, _folder.File("package"));
        var files = Directory.GetFiles(_folder.File("package"), "*" + extension, SearchOption.AllDirectories).Order(StringComparer.Ordinal).ToList();
        Assert.InRange(files.Count, 500, 10_000);
        Assert.Equal(files.Count, Directory.GetFiles(_folder.File("modules")).Length);
        var kernel = BtfBlob.Parse(File.ReadAllBytes(_folder.File("kernel.btf")));
        for (var i = 0; i < files.Count; i += files.Count / 60)
        {
            var name = Path.GetFileName(files[i])[..^extension.Length].Replace('-', '_');
            Tool.Shell($"{(extension == ".ko" ? "cat" : "xz -dc")} '{files[i]}' > '{_folder.File("m")}'; objcopy --dump-section .BTF='{_folder.File("b")}' '{_folder.File("m")}' /dev/null");
            var ours = File.ReadAllBytes(Path.Combine(_folder.File("modules"), name + ".btf"));
            Assert.Equal(File.ReadAllBytes(_folder.File("b")), ours);
            Assert.True(BtfBlob.Parse(ours, kernel).TypeCount > 0);
        }
    }

    private (string? Uname, ConvertedKernel Kernel) Extract(KernelCorpus image) =>
        new KernelExtractor(_folder.FullPath, ConversionOptions.Default).ExtractFile(image.PackagePath);
}
