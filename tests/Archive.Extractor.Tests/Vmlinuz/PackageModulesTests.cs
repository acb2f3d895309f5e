using System.Formats.Tar;
using Archive.Extractor.Packages;
using Archive.Extractor.Tests.Packages;
using Btf;
using Btf.Format;
using TestKit;

namespace Archive.Extractor.Tests.Vmlinuz;

/// <summary>Modules compiled here, with split BTF made by pahole on the BTF of the kernel stand-in.</summary>
public sealed class PackageModulesTests : IDisposable
{
    private const string Folder = $"./lib/modules/{BootImageSamples.Uname}/kernel/drivers";
    private static readonly Lazy<(byte[] Image, byte[] Btf)> Module = new(Compile);
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("cat", ".ko")]
    [InlineData("xz --check=crc32", ".ko.xz")]
    [InlineData("zstd -q", ".ko.zst")]
    [InlineData("gzip -n", ".ko.gz")]
    public void TakesTheBtfThatAModuleWasBuiltWith(string compressor, string extension)
    {
        var file = BootImageSamples.Compress(compressor, Module.Value.Image);
        var module = Assert.Single(Read(($"{Folder}/net/snd-usb-audio{extension}", file)));
        Assert.Equal(("snd_usb_audio", $"{Folder}/net/snd-usb-audio{extension}"), (module.Name, module.Entry));
        Assert.Equal(Module.Value.Image, module.Image.ToArray());
        var btf = ModuleBtf.Of(module)!;
        Assert.Equal(Module.Value.Btf, btf.Bytes);
        Assert.Null(btf.Base);
        var blob = BtfBlob.Parse(btf.Bytes, BtfBlob.Parse(BootImageSamples.X86.Btf));
        Assert.NotNull(blob.Find(BtfKind.Struct, "module_state"));
        Assert.Equal("task_struct", blob[blob[blob.Find(BtfKind.Struct, "module_state")!.Value.Members[0].TypeId].SizeOrType].Name);
    }

    [Fact]
    public void TakesADistilledBase()
    {
        File.WriteAllBytes(_folder.File("m"), Module.Value.Image);
        File.WriteAllBytes(_folder.File("base"), [1, 2, 3, 4]);
        Tool.Run("objcopy", $"--add-section=.BTF.base={_folder.File("base")}", _folder.File("m"));
        var module = Assert.Single(Read(($"{Folder}/m.ko", File.ReadAllBytes(_folder.File("m")))));
        Assert.Equal([1, 2, 3, 4], ModuleBtf.Of(module)!.Base);
    }

    [Fact]
    public void AModuleWithoutBtfHasNone()
    {
        var module = Assert.Single(Read(($"{Folder}/m.ko", BootImageSamples.X86.Bare)));
        Assert.Null(ModuleBtf.Of(module));
    }

    [Fact]
    public void ModulesComeOneAfterTheOther()
    {
        var modules = Read(("./boot/vmlinuz-1", [1]), ($"{Folder}/a.ko", Module.Value.Image), ($"{Folder}/modules.order", [1]), ($"{Folder}/b.ko", Module.Value.Image));
        Assert.Equal(["a", "b"], modules.Select(m => m.Name));
    }

    [Theory]
    [InlineData("./lib/modules/6.1.0/kernel/fs/ext4/ext4.ko", "ext4")]
    [InlineData("usr/lib/modules/6.12.107+deb13-amd64/updates/dkms/nvidia-drm.ko.zst", "nvidia_drm")]
    [InlineData("/usr/lib/debug/lib/modules/6.1.0/kernel/fs/ext4/ext4.ko", "ext4")]
    [InlineData("./usr/lib/debug/lib/modules/5.14.0-1.el9/kernel/fs/xfs/xfs.ko.debug", "xfs")]
    [InlineData("./lib/modules/6.1.0/x.ko", "x")]
    [InlineData("./lib/modules/6.1.0/kernel/aes.generic.ko", "aes.generic")]
    [InlineData("./lib/modules/6.1.0/kernel/..ko", null)]
    [InlineData("./lib/modules/6.1.0/kernel/.x.ko", null)]
    [InlineData("./lib/modules/6.1.0/kernel/ä/../../x\n.ko", null)]
    [InlineData("./lib/modules/6.1.0/kernel/x.ko.txt", null)]
    [InlineData("./srv/lib/modules/6.1.0/x.ko", null)]
    public void NamesAreThoseOfTheKernel(string entry, string? name) => Assert.Equal(name, PackageModules.NameOf(entry));

    [Fact]
    public void RefusesAModuleThatIsNoElfImage()
    {
        var module = Assert.Single(Read(($"{Folder}/m.ko", "not ELF at all, and long enough to be one, if it had a header like one"u8.ToArray())));
        Assert.Equal($"{Folder}/m.ko", Assert.Throws<PackageFormatException>(() => ModuleBtf.Of(module)).Section);
    }

    [Theory]
    [InlineData("xz")]
    [InlineData("zstd -q")]
    [InlineData("gzip")]
    public void RefusesAModuleThatIsCutOff(string compressor)
    {
        var file = BootImageSamples.Compress(compressor, Module.Value.Image);
        for (var length = 20; length < file.Length; length += file.Length / 19)
            Assert.Throws<PackageFormatException>(() => Read(($"{Folder}/m.ko.xz", file[..length])));
    }

    [Fact]
    public void RefusesAModuleBeyondTheLimit()
    {
        var limits = ExtractionLimits.Default with { MaxModuleBytes = Module.Value.Image.Length - 1 };
        foreach (var file in (byte[][])[Module.Value.Image, BootImageSamples.Compress("xz", Module.Value.Image)])
            Assert.Throws<PackageFormatException>(() => Read(limits, ($"{Folder}/m.ko", file)));
    }

    [Fact]
    public void DamagedModulesRaiseTypedErrorsOnly()
    {
        var random = new Random(11);
        var refused = 0;
        for (var i = 0; i < 2000; i++)
        {
            var image = (byte[])Module.Value.Image.Clone();
            for (var n = random.Next(1, 5); n > 0; n--)
                image[random.Next(3) == 0 ? random.Next(64) : random.Next(image.Length - 2000, image.Length)] = (byte)random.Next(256);
            try
            {
                ModuleBtf.Of(new PackageModule("m", "m.ko", image));
            }
            catch (MalformedInputException)
            {
                refused++;
            }
        }

        Assert.True(refused > 100, $"{refused} refused");
    }

    [Fact]
    public void SplitBtfIsCheckedOnItsBase()
    {
        var facts = new KernelFacts { Arch = "x86_64", ShipsBtf = true, TakenFrom = BtfSource.Btf };
        var kernel = new ConvertedKernel(BootImageSamples.X86.Btf, facts);
        var module = new ModuleBtf("m", Module.Value.Btf, Base: null);
        new ModuleChecks(kernel).Check(module);

        var other = new ModuleChecks(new ConvertedKernel(BootImageSamples.S390.Btf, facts));
        Assert.Contains("module m", Assert.Throws<ValidationException>(() => other.Check(module)).Message);
        other.Check(module with { Base = BootImageSamples.X86.Btf });
    }

    /// <summary>A module's own BTF stands on the kernel's own; it says nothing beside one that was made of DWARF.</summary>
    [Fact]
    public void OwnBtfIsNotTakenForAKernelConvertedFromDwarf()
    {
        var facts = new KernelFacts { Arch = "x86_64", ShipsBtf = true, TakenFrom = BtfSource.Dwarf };
        var kernel = new ConvertedKernel(BootImageSamples.X86.Btf, facts);
        using var folder = new TempFolder();
        var path = folder.File("m.ko");
        File.WriteAllBytes(path, Module.Value.Image);
        Tool.Run("objcopy", "--strip-debug", path);
        var module = new PackageModule("m", "m.ko", File.ReadAllBytes(path));

        var onDwarf = new ModuleConverter(kernel, ConversionOptions.Default).Convert(module);
        var onOwn = new ModuleConverter(kernel with { Facts = facts with { TakenFrom = BtfSource.Btf } }, ConversionOptions.Default).Convert(module);

        Assert.Null(onDwarf);
        Assert.Equal(Module.Value.Btf, onOwn!.Bytes);
    }

    private static List<PackageModule> Read(params (string Name, byte[] Content)[] files) => Read(ExtractionLimits.Default, files);

    private static List<PackageModule> Read(ExtractionLimits limits, params (string Name, byte[] Content)[] files)
    {
        using var package = new MemoryStream(Samples.DebOf(Samples.Tar(TarEntryFormat.Gnu, files)));
        return [.. PackageModules.Read(package, limits, threads: 1)];
    }

    private static (byte[] Image, byte[] Btf) Compile()
    {
        using var folder = new TempFolder();
        var module = folder.File("module.ko");
        Tool.Run("gcc", "-g", "-w", "-c", "-o", module, folder.Write("module.c", """
            struct task_struct { int pid; struct task_struct *next; char comm[16]; };
            struct module_state { struct task_struct *owner; long count; } state;
            int probe(struct module_state *s, struct task_struct *t) { return s->owner == t; }
            """));
        File.WriteAllBytes(folder.File("kernel.btf"), BootImageSamples.X86.Btf);
        Tool.Run("pahole", "-j1", "-J", "--btf_base", folder.File("kernel.btf"), module);
        Tool.Run("objcopy", "--dump-section", $".BTF={folder.File("btf")}", module, folder.File("copy"));
        return (File.ReadAllBytes(module), File.ReadAllBytes(folder.File("btf")));
    }
}
