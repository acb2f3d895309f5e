using Archive.Extractor.Packages;
using Btf.Dedup;
using Btf.Format;
using Btf.Format.Validation;
using Btf.Text;
using TestKit;

namespace Archive.Extractor.Tests.Conversion;

/// <summary>BTF of modules made of their DWARF, against pahole and against the BTF that real modules ship.</summary>
public sealed class ModuleTests : IDisposable
{
    private const string Shared = """
        struct list { struct list *next, *prev; };
        enum mode { OFF, ON };
        struct device { struct list link; enum mode mode; const char *name; int (*probe)(struct device *); struct defined_in_module *later; };
        typedef struct device device_t;
        """;

    private const string Kernel = Shared + """

        device_t root;
        int kernel_function(device_t *d, long n) { return d->mode + n; }
        int main(void) { return kernel_function(&root, 1); }
        """;

    private const string Module = Shared + """

        struct defined_in_module { int here; device_t *device; struct { int anonymous; } inside; };
        struct own { struct device device; struct defined_in_module *d; const volatile long *numbers[7]; enum mode mode; };
        struct own mine;
        __attribute__((section(".data..percpu"))) int counter;
        __attribute__((section(".data..percpu"))) struct own *per_cpu_own;
        int module_function(struct own *o, device_t *d) { return o->device.probe(d); }
        """;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private (ConvertedKernel Kernel, string Base, string Object) Build(string moduleSource = Module)
    {
        var kernel = _folder.File("kernel");
        Tool.Run("gcc", "-gdwarf-5", "-O1", "-w", "-o", kernel, _folder.Write("kernel.c", Kernel));
        var module = _folder.File("module.ko");
        Tool.Run("gcc", "-gdwarf-5", "-O1", "-w", "-c", "-o", module, _folder.Write("module.c", moduleSource));
        var converted = VmlinuxConverter.Convert(kernel, new ConversionOptions(BtfSource.Dwarf, 1));
        var path = _folder.File("kernel.btf");
        File.WriteAllBytes(path, converted.Bytes);
        return (converted, path, module);
    }

    private static ModuleBtf Convert(ConvertedKernel kernel, string module, int threads = 1) =>
        new ModuleConverter(kernel, new ConversionOptions(BtfSource.Dwarf, threads)).Convert(new PackageModule("module", module, File.ReadAllBytes(module)))!;

    [Fact]
    public void SplitBtfIsThatOfPahole()
    {
        // Where a module defines what the kernel declares, libbpf repeats the first struct that leads there.
        var (kernel, basePath, module) = Build(Shared + Module[Shared.Length..].Replace("defined_in_module", "new_in_module", StringComparison.Ordinal));
        var split = Convert(kernel, module);
        var reference = _folder.File("module.btf");
        Tool.Run("pahole", "-j1", "--btf_gen_floats", $"--btf_base={basePath}", $"--btf_encode_detached={reference}", module);

        var ground = BtfBlob.Parse(kernel.Bytes);
        var ours = BtfBlob.Parse(split.Bytes, ground);
        var diff = BtfDiff.Compare(BtfBlob.Parse(File.ReadAllBytes(reference), ground), ours);
        using var text = new StringWriter();
        diff.Write(text);
        Assert.True(diff.AreEqual, text.ToString());
        Assert.Equal(["counter", "per_cpu_own"], Names(ours, BtfKind.Var));
        Assert.DoesNotContain("device", Names(ours, BtfKind.Struct));

        var path = _folder.File("ours.btf");
        File.WriteAllBytes(path, split.Bytes);
        Assert.Contains("'own'", Tool.Run("bpftool", "-B", basePath, "btf", "dump", "file", path), StringComparison.Ordinal);
    }

    [Fact]
    public void FlattenedBtfHoldsBothAndResolvesDeclarations()
    {
        var (kernel, _, module) = Build();
        Assert.Contains("defined_in_module", Names(BtfBlob.Parse(kernel.Bytes), BtfKind.Fwd));

        var flat = BtfBlob.Parse(ModuleConverter.Flatten(kernel, [Convert(kernel, module)]));

        Assert.Empty(BtfValidator.Check(flat));
        Assert.Empty(BtfValidator.CheckDeduplicated(flat));
        Assert.DoesNotContain("defined_in_module", Names(flat, BtfKind.Fwd));
        Assert.Single(Names(flat, BtfKind.Struct), "device");
        Assert.Single(Names(flat, BtfKind.Struct), "own");
        Assert.Contains("module_function", Names(flat, BtfKind.Func));
        var later = flat.Find(BtfKind.Struct, "device")!.Value.Members[4];
        Assert.Equal("defined_in_module", flat[flat[later.TypeId].SizeOrType].Name);
    }

    [Fact]
    public void DistilledBaseHoldsNamesAndSizesOnly()
    {
        var (kernel, _, module) = Build();
        var split = BtfBlob.Parse(Convert(kernel, module).Bytes, BtfBlob.Parse(kernel.Bytes));
        var distilled = BtfDistiller.Distill(split);

        var ground = BtfBlob.Parse(distilled.Base);
        var device = ground.Find(BtfKind.Struct, "device")!.Value;
        Assert.Equal(0, device.Vlen);
        Assert.Equal(BtfBlob.Parse(kernel.Bytes).Find(BtfKind.Struct, "device")!.Value.SizeOrType, device.SizeOrType);
        Assert.Null(ground.Find(BtfKind.Struct, "list"));
        Assert.DoesNotContain(ground.CountByKind().Keys, k => k is BtfKind.Ptr or BtfKind.Typedef or BtfKind.Const);

        var moved = BtfBlob.Parse(distilled.Split, ground);
        Assert.Empty(BtfValidator.Check(moved));
        Assert.True(ground.TypeCount < 20 && moved.TypeCount >= split.TypeCount);
        Assert.Equal(Names(split, BtfKind.Struct), Names(moved, BtfKind.Struct));
    }

    [Fact]
    public void DamagedModulesAreRefusedByName()
    {
        var (kernel, _, module) = Build();
        var bytes = File.ReadAllBytes(module);
        var random = new Random(7);
        var refused = 0;
        for (var i = 0; i < 300; i++)
        {
            var damaged = (byte[])bytes.Clone();
            for (var n = 0; n < 20; n++)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            try
            {
                new ModuleConverter(kernel, new ConversionOptions(BtfSource.Dwarf, 1)).Convert(new PackageModule("module", "module.ko", damaged));
            }
            catch (Exception e) when (e is PackageFormatException or UnsupportedImageException or ValidationException or NoDebugInfoException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 30, 300);
    }

    /// <summary>Modules ship BTF on the kernel's own; ours stand on ours. Theirs repeat types of the kernel that their deduplication did not recognise, so theirs may have more.</summary>
    [Fact]
    [Trait("Category", "Real")]
    public void ModulesOfARealKernelHaveTheTypesTheyShip()
    {
        var corpus = KernelCorpus.BookwormCloudAmd64;
        var kernel = VmlinuxConverter.Convert(corpus.VmlinuxPath, new ConversionOptions(BtfSource.Dwarf, 2));
        var own = VmlinuxConverter.Convert(corpus.VmlinuxPath, new ConversionOptions(BtfSource.Btf, 2));
        var shipped = Modules(KernelCorpus.Image(corpus.Uname)).ToDictionary(m => m.Name);
        var ground = BtfBlob.Parse(kernel.Bytes);
        var theirs = BtfBlob.Parse(own.Bytes);
        var converter = new ModuleConverter(kernel, new ConversionOptions(BtfSource.Dwarf, 2));
        var made = new List<ModuleBtf>();
        foreach (var module in Modules(corpus))
        {
            var ours = converter.Convert(module)!;
            made.Add(ours);
            var diff = BtfDiff.Compare(BtfBlob.Parse(ours.Bytes, ground), BtfBlob.Parse(ModuleBtf.Of(shipped[module.Name])!.Bytes, theirs));
            using var text = new StringWriter();
            diff.Write(text);
            BtfKind[] compared = [BtfKind.Int, BtfKind.Array, BtfKind.Struct, BtfKind.Union, BtfKind.Enum, BtfKind.Enum64, BtfKind.Fwd, BtfKind.Typedef, BtfKind.Var];
            Assert.True(compared.All(kind => diff[kind].OnlyLeft.Count == 0), $"{module.Name}: {text}");
        }

        var flat = ModuleConverter.Flatten(kernel, made);
        Assert.Equal(flat, ModuleConverter.Flatten(kernel, Enumerable.Reverse(made)));
        Assert.Empty(BtfValidator.Check(BtfBlob.Parse(flat)));
    }

    private static List<PackageModule> Modules(KernelCorpus package)
    {
        using var file = File.OpenRead(package.PackagePath);
        var modules = new List<PackageModule>();
        foreach (var module in PackageModules.Read(file, ExtractionLimits.Default, 2))
        {
            if (module.Entry.Contains("/net/sched/", StringComparison.Ordinal))
                modules.Add(module);
        }
        return modules;
    }

    private static List<string> Names(BtfBlob blob, BtfKind kind)
    {
        var names = new List<string>();
        foreach (var type in blob.Types)
        {
            if (type.Kind == kind && type.NameOffset != 0)
                names.Add(type.Name);
        }
        names.Sort(StringComparer.Ordinal);
        return names;
    }
}
