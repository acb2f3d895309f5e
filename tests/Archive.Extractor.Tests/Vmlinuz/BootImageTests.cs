using System.Formats.Tar;
using Archive.Extractor.Packages;
using Archive.Extractor.Tests.Packages;
using Archive.Extractor.Vmlinuz;
using Btf;
using Btf.Format;
using TestKit;
using static Archive.Extractor.Tests.Vmlinuz.BootImageSamples;

namespace Archive.Extractor.Tests.Vmlinuz;

/// <summary>Every form of boot image, with every compression that kernels know.</summary>
public sealed class BootImageTests
{
    public static TheoryData<string, string> Codecs => Compressors;

    [Theory]
    [MemberData(nameof(Codecs))]
    public void TakesTheBtfOfAnX86Kernel(string compressor, string name)
    {
        var relocations = new byte[2000];
        byte[] kernel = [.. X86.Elf, .. relocations];
        var converted = Convert(BzImage(WithSize(Compress(compressor, kernel), kernel)));
        AssertIsThat(X86, converted, "x86_64", $"bzImage {name}");
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void TakesTheBtfOfAZbootImage(string compressor, string name)
    {
        var kernel = Arm64Image(Memory(X86));
        AssertIsThat(X86, Convert(Zboot(Compress(compressor, kernel), name)), "arm64", $"zboot {name} Image");
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void FindsThePayloadOfAnS390Kernel(string compressor, string name)
    {
        var kernel = Memory(S390);
        var converted = Convert(S390Image(WithSize(Compress(compressor, kernel), kernel)));
        AssertIsThat(S390, converted, "s390x", $"bzImage {name}");
        Assert.True(BtfBlob.Parse(converted.Bytes).IsBigEndian);
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void FindsThePayloadOfAnArmKernel(string compressor, string name) =>
        AssertIsThat(X86, Convert(ArmZimage(Compress(compressor, Memory(X86)))), "armhf", $"zImage {name}");

    [Theory]
    [MemberData(nameof(Codecs))]
    public void FindsAnElfKernelInAnythingElse(string compressor, string name) =>
        AssertIsThat(X86, Convert([.. new byte[777], .. Compress(compressor, X86.Elf), .. new byte[77]]), "x86_64", $"unknown {name}");

    [Theory]
    [MemberData(nameof(Codecs))]
    public void ReadsACompressedImage(string compressor, string name) =>
        AssertIsThat(X86, Convert(Compress(compressor, Arm64Image(Memory(X86)))), "arm64", $"{name} Image");

    [Fact]
    public void ReadsAnImageThatIsNotCompressed() => AssertIsThat(X86, Convert(Arm64Image(Memory(X86))), "arm64", "Image");

    [Fact]
    public void ReadsARiscVImage() => AssertIsThat(X86, Convert(RiscVImage(Memory(X86))), "riscv64", "Image");

    [Fact]
    public void ReadsAnS390KernelThatIsNotCompressed() =>
        AssertIsThat(S390, Convert([.. S390Image([]), .. Memory(S390)]), "s390x", "bzImage");

    [Fact]
    public void ReadsAPowerPcWrapper()
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder.File("wrapper"), X86.Bare);
        File.WriteAllBytes(folder.File("payload"), Compress("gzip -n -f -9", X86.Elf));
        Tool.Run("objcopy", $"--add-section=.kernel:vmlinux.strip={folder.File("payload")}", folder.File("wrapper"), folder.File("zImage"));
        AssertIsThat(X86, Convert(File.ReadAllBytes(folder.File("zImage"))), "x86_64", "zImage gzip");
    }

    [Fact]
    public void SearchesAnImageOfAProtocolThatDoesNotTellThePlace() =>
        AssertIsThat(X86, Convert(BzImage(Compress("gzip -9", X86.Elf), protocol: 0x207)), "x86_64", "bzImage gzip");

    [Fact]
    public void NoSetupSectorsMeansFour() =>
        AssertIsThat(X86, Convert(BzImage(Compress("gzip -9", X86.Elf), setupSectors: 0)), "x86_64", "bzImage gzip");

    [Fact]
    public void ReadsAnImageInSeveralWrappings()
    {
        var zboot = Zboot(Compress("zstd -q", Arm64Image(Memory(X86))), "zstd22");
        AssertIsThat(X86, Convert(Compress("gzip", zboot)), "arm64", "gzip zboot zstd Image");
    }

    [Fact]
    public void ConvertsTheDwarfOfACompressedVmlinux()
    {
        var converted = Convert(Compress("xz", X86.Debug));
        Assert.Equal(BtfSource.Dwarf, converted.Facts.TakenFrom);
        Assert.Equal("xz", converted.Facts.BootImage);
    }

    [Fact]
    public void AVmlinuxIsNoBootImage() => Assert.Null(Convert(X86.Elf).Facts.BootImage);

    [Fact]
    public void AKernelWithoutBtfIsToldApart()
    {
        var raw = Arm64Image(Memory(X86, btf: [1, 2, 3]));
        foreach (var image in (byte[][])[BzImage(Compress("gzip", X86.Bare)), raw, Zboot(Compress("gzip", raw), "gzip"), S390Image(Compress("gzip", Memory(S390, btf: [0])))])
            Assert.Throws<NoDebugInfoException>(() => Convert(image));
    }

    [Fact]
    public void BtfIsNotMadeOfDwarfWhereThereIsNone() =>
        Assert.Throws<NoDebugInfoException>(() => Convert(Arm64Image(Memory(X86)), source: BtfSource.Dwarf));

    [Fact]
    public void OtherBtfInTheKernelIsPassedOver()
    {
        var writer = new BtfWriter(littleEndian: true);
        writer.Begin(0, BtfKind.Ptr, flag: false, vlen: 0, sizeOrType: 0);
        var small = writer.ToArray();
        byte[] broken = [.. X86.Btf[..24], .. new byte[X86.Btf.Length + 100]];
        Put(broken, 20, X86.Btf.Length + 20); // longer strings than ours, and all of it zero
        AssertIsThat(X86, Convert(Arm64Image(Memory(X86, before: [.. small, 0, 0, .. broken]))), "arm64", "Image");
    }

    [Fact]
    public void BrokenBtfOfAKernelsSizeIsNotTakenForNone()
    {
        byte[] broken = [.. X86.Btf[..24], .. Enumerable.Repeat((byte)0x77, 400 << 10)];
        Put(broken, 12, 300 << 10);
        Put(broken, 16, 300 << 10);
        Put(broken, 20, 100 << 10);
        Assert.Throws<BtfFormatException>(() => Convert(Arm64Image(Memory(X86, btf: broken))));
    }

    [Fact]
    public void AKernelOfUnknownArchitectureIsNotSupported() =>
        Assert.Contains("architecture", Assert.Throws<UnsupportedImageException>(() => Convert(Compress("gzip", Memory(X86)))).Message);

    [Fact]
    public void APayloadOfAnotherCompressionIsNotSupported()
    {
        Assert.Contains("0x01020304", Assert.Throws<UnsupportedImageException>(() => Convert(BzImage([1, 2, 3, 4, 5]))).Message);
        Assert.Contains("'snappy'", Assert.Throws<UnsupportedImageException>(() => Convert(Zboot([1, 2, 3, 4, 5], "snappy"))).Message);
    }

    [Fact]
    public void RefusesWhatIsNoKernel()
    {
        Assert.Throws<VmlinuzFormatException>(() => Convert([]));
        Assert.Throws<VmlinuzFormatException>(() => Convert("#!/bin/sh\necho no kernel\n"u8.ToArray()));
        Assert.Throws<VmlinuzFormatException>(() => Convert([.. new byte[100], .. Compress("gzip", new byte[1000])]));
    }

    [Theory]
    [InlineData(0x248, int.MaxValue)]
    [InlineData(0x24c, int.MaxValue)]
    [InlineData(0x24c, -1)]
    [InlineData(0x24c, 3)]
    public void RefusesAPayloadOutsideTheX86Image(int field, int value)
    {
        var image = BzImage(Compress("gzip", X86.Elf));
        Put(image, field, value);
        Assert.Equal(0x248, Assert.Throws<VmlinuzFormatException>(() => Convert(image)).Offset);
    }

    [Theory]
    [InlineData(8, int.MaxValue)]
    [InlineData(12, -1)]
    [InlineData(12, 0)]
    public void RefusesAPayloadOutsideTheZbootImage(int field, int value)
    {
        var image = Zboot(Compress("gzip", Arm64Image(Memory(X86))), "gzip");
        Put(image, field, value);
        Assert.Throws<VmlinuzFormatException>(() => Convert(image));
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void RefusesAnX86KernelOfAnotherSizeThanItsPayloadSays(string compressor, string name)
    {
        Assert.NotEmpty(name);
        var packed = WithSize(Compress(compressor, X86.Elf), X86.Elf);
        Put(packed, packed.Length - 4, X86.Elf.Length + 1);
        Assert.ThrowsAny<MalformedInputException>(() => Convert(BzImage(packed)));
    }

    [Fact]
    public void RefusesAKernelBeyondTheLimit()
    {
        var limits = ExtractionLimits.Default with { MaxKernelBytes = X86.Elf.Length - 1 };
        Assert.Contains("expands beyond", Assert.Throws<PackageFormatException>(() => Convert(BzImage(Compress("gzip", X86.Elf)), limits)).Message);
    }

    [Fact]
    public void RefusesABomb()
    {
        var bomb = Compress("zstd -q", new byte[80 << 20]);
        Assert.Contains("times", Assert.Throws<PackageFormatException>(() => Convert(BzImage(bomb))).Message);
    }

    [Fact]
    public void RefusesAnImageBeyondTheLimit()
    {
        var limits = ExtractionLimits.Default with { MaxBootImageBytes = 1000 };
        Assert.Throws<VmlinuzFormatException>(() => Convert(BzImage(new byte[1000]), limits));
    }

    [Fact]
    public void RefusesImagesThatAreWrappedTooOften()
    {
        var image = Arm64Image(Memory(X86));
        for (var i = 0; i < 5; i++)
            image = Compress("gzip", image);
        Assert.Throws<VmlinuzFormatException>(() => Convert(image));
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void RefusesImagesThatAreCutOff(string compressor, string name)
    {
        var elf = BzImage(WithSize(Compress(compressor, X86.Elf), X86.Elf))[..^100];
        var zboot = Zboot(Compress(compressor, Arm64Image(Memory(X86))), name)[..^512];
        foreach (var image in (byte[][])[elf, zboot])
        {
            for (var length = 0x300; length < image.Length; length += Math.Max(1, image.Length / 37))
                Assert.ThrowsAny<MalformedInputException>(() => Convert(image[..length]));
        }
    }

    [Theory]
    [MemberData(nameof(Codecs))]
    public void DamagedImagesRaiseTypedErrorsOnly(string compressor, string name)
    {
        var raw = Arm64Image(Memory(X86));
        var packed = Compress(compressor, raw);
        byte[][] sound = [BzImage(WithSize(Compress(compressor, X86.Elf), X86.Elf)), Zboot(packed, name), S390Image(packed), packed, raw];
        var random = new Random(20261121);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var refused = 0;
        for (var i = 0; clock.Elapsed < TimeSpan.FromSeconds(1); i++)
        {
            var image = Damage(sound[i % sound.Length], random);
            try
            {
                BootImageConverter.Convert(new BootImageReader(Tight, default).Unpack(image), Options(), default);
            }
            catch (Exception e) when (e is MalformedInputException or UnsupportedImageException or NoDebugInfoException)
            {
                refused++;
            }
        }

        Assert.True(refused > 20, $"{refused} refused");
    }

    [Fact]
    public void TakesTheKernelOutOfAnImagePackage()
    {
        using var workspace = new Workspace();
        foreach (var entry in (string[])[$"./boot/vmlinuz-{Uname}", $"./usr/lib/modules/{Uname}/vmlinuz", $"./boot/vmlinux-{Uname}", $"./boot/Image-{Uname}"])
        {
            var package = Samples.DebOf(Samples.Tar(TarEntryFormat.Gnu, ($"./boot/System.map-{Uname}", [1]), (entry, BzImage(Compress("gzip", X86.Elf)))));
            File.WriteAllBytes(workspace.PathOf("image.deb"), package);
            var (uname, kernel) = new KernelExtractor(workspace.Folder, Options()).ExtractFile(workspace.PathOf("image.deb"));
            Assert.Equal(Uname, uname);
            AssertIsThat(X86, kernel, "x86_64", "bzImage gzip");
        }
    }

    private static readonly ExtractionLimits Tight = new() { MaxKernelBytes = 1 << 20, MaxDecoderBytes = 256 << 20, RatioFreeBytes = 1 << 20 };

    /// <summary>Mostly in the headers, where a byte means most.</summary>
    private static byte[] Damage(byte[] sound, Random random)
    {
        var image = (byte[])sound.Clone();
        for (var n = random.Next(1, 6); n > 0; n--)
            image[random.Next(random.Next(2) == 0 ? Math.Min(image.Length, 0x300) : image.Length)] = (byte)(random.Next(3) == 0 ? 0xff : random.Next(256));
        return random.Next(6) == 0 ? image[..random.Next(image.Length)] : image;
    }

    private static void AssertIsThat(Kernel kernel, ConvertedKernel converted, string arch, string form)
    {
        Assert.Equal(kernel.Btf, converted.Bytes);
        var facts = converted.Facts;
        Assert.Equal((arch, form, Uname, kernel.BuildId), (facts.Arch, facts.BootImage, facts.Release, facts.BuildId));
        Assert.Equal((Banner, BtfSource.Btf, true), (facts.Banner, facts.TakenFrom, facts.ShipsBtf));
        Assert.Equal(BtfBlob.Parse(kernel.Btf).TypeCount, converted.TypeCounts.Values.Sum());
    }

    private static ConvertedKernel Convert(byte[] image, ExtractionLimits? limits = null, BtfSource source = BtfSource.Auto)
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder.File("image"), image);
        return BootImageConverter.Convert(folder.File("image"), Options(source), limits ?? ExtractionLimits.Default);
    }

    private static ConversionOptions Options(BtfSource source = BtfSource.Auto) => new(source, 1);
}
