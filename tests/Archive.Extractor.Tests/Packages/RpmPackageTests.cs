using Archive.Extractor.Packages;
using TestKit;

namespace Archive.Extractor.Tests.Packages;

/// <summary>RPM packages as rpmbuild writes them.</summary>
public sealed class RpmPackageTests : IDisposable
{
    private const string Uname = "5.14.0-99.el9.x86_64";
    private readonly TempFolder _folder = new();
    private readonly RpmPackages _rpms = new();

    public void Dispose()
    {
        _rpms.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("w9.gzdio")]
    [InlineData("w9.bzdio")]
    [InlineData("w3.xzdio")]
    [InlineData("w3T2.xzdio")]
    [InlineData("w3.lzdio")]
    [InlineData("w3.zstdio")]
    [InlineData("w.ufdio")]
    public void KernelComesOutOfAnyPayload(string payload)
    {
        var root = Kernel(out var image);
        var rpm = _rpms.Build("kernel-debuginfo", "5.14.0", "99.el9", root, payload);
        var (uname, kernel) = new KernelExtractor(_folder.FullPath, ConversionOptions.Default).ExtractFile(rpm);
        Assert.Equal((Uname, Uname), (uname, kernel.Facts.Release));
        var own = VmlinuxConverter.Convert(image, ConversionOptions.Default);
        Assert.Equal(own.Bytes, kernel.Bytes);
    }

    [Fact]
    public void LinksAndFoldersAreNoKernels()
    {
        var root = Kernel(out var image);
        File.CreateSymbolicLink(Path.Combine(root, "aaa-link"), "/etc/passwd");
        Tool.Run("ln", image, Path.Combine(root, "aaa-hard"));
        var rpm = _rpms.Build("kernel-debuginfo", "5.14.0", "99.el9", root, "w1.gzdio");
        var files = new List<(string, long)>();
        using var package = RpmPackage.Open(File.OpenRead(rpm), ExtractionLimits.Default, 1);
        while (package.Files.Next() is { } file)
            files.Add((file.Name, file.Size));
        // Of two links the content is at the last.
        Assert.Equal([($"./usr/lib/debug/lib/modules/{Uname}/vmlinux", new FileInfo(image).Length)], files);
        Assert.True(package.Files.Entries >= 3);
    }

    [Fact]
    public void PackageThatIsCutOffIsMalformedWhereverItIsCut()
    {
        var root = Directory.CreateDirectory(_folder.File("root")).FullName;
        File.WriteAllBytes(Path.Combine(root, "file"), new byte[10_000]);
        var whole = File.ReadAllBytes(_rpms.Build("small", "1", "1", root, "w1.gzdio"));
        for (var length = 0; length < whole.Length - 64; length += 7) // The end of gzip is not asked for: the archive says where it ends.
        {
            var bytes = whole[..length];
            Assert.Throws<PackageFormatException>(() =>
            {
                using var package = RpmPackage.Open(new MemoryStream(bytes), ExtractionLimits.Default, 1);
                while (package.Files.Next() is { } file)
                    file.Content.CopyTo(Stream.Null);
            });
        }
    }

    private string Kernel(out string image)
    {
        var root = Directory.CreateDirectory(_folder.File("root")).FullName;
        image = Path.Combine(root, "usr", "lib", "debug", "lib", "modules", Uname, "vmlinux");
        KernelSample.Build(image, Uname);
        return root;
    }
}
