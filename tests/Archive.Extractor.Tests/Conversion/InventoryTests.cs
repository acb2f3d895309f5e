using Archive.Extractor.Inventory;
using TestKit;

namespace Archive.Extractor.Tests.Conversion;

/// <summary>What became of the functions of a program that is compiled here, and of a real kernel's.</summary>
public sealed class InventoryTests
{
    private const string First = """
        #include "header.h"
        struct tracepoint { int x; } __tracepoint_test_event;
        static inline __attribute__((always_inline)) int everywhere(int n) { return n * 3; }
        __attribute__((noinline)) int plain(int n) { return everywhere(n) + header_function(n); }
        static __attribute__((noinline)) int hidden(int a, int unused) { return a + 1; }
        static __attribute__((noinline, noipa)) int twice(int a) { return a; }
        inline __attribute__((gnu_inline)) extern int never_here(int n);
        int somewhere(int n) { return n + 7; }
        int caller(int n) { return somewhere(n) + hidden(n, 1) + twice(n); }
        """;

    private const string Second = """
        static __attribute__((noinline, noipa)) int twice(int a) { return a * 2; }
        extern int plain(int), caller(int);
        int main(int argc, char **argv) { return plain(argc) + caller(argc) + twice(argc); }
        """;

    [Theory]
    [InlineData("-gdwarf-5")]
    [InlineData("-gdwarf-4")]
    public void FunctionsAreToldWithTheirFilesAndWhatBecameOfThem(string version)
    {
        using var folder = new TempFolder();
        folder.Write("header.h", "static inline int header_function(int n) { return n + 4; }");
        var program = folder.File("program");
        Tool.Run("gcc", version, "-O2", "-w", "-o", program, folder.Write("first.c", First), folder.Write("second.c", Second));
        var inventory = Take(program);

        Assert.Equal((FunctionTraits.Inlined, true), Traits(inventory, "everywhere", "first.c"));
        Assert.Equal((FunctionTraits.Inlined, true), Traits(inventory, "header_function", "header.h"));
        Assert.Equal((FunctionTraits.External | FunctionTraits.Code, true), Traits(inventory, "plain", "first.c"));
        Assert.Equal((FunctionTraits.External | FunctionTraits.Inlined | FunctionTraits.Code, true), Traits(inventory, "somewhere", "first.c"));
        Assert.Equal((FunctionTraits.Code, true), Traits(inventory, "twice", "first.c"));
        Assert.Equal((FunctionTraits.Code, true), Traits(inventory, "twice", "second.c"));
        Assert.Contains(("twice", 2), inventory.DuplicateSymbols);
        Assert.Contains(inventory.SuffixedSymbols, s => s.StartsWith("hidden.", StringComparison.Ordinal));
        Assert.Contains("test_event", inventory.Tracepoints);

        var text = inventory.Write();
        Assert.Equal(text, KernelInventory.Read(text).Write());
        Assert.Equal(text, Take(program, threads: 4).Write());
    }

    [Fact]
    public void WhatIsNoInventoryIsRefused()
    {
        foreach (var text in (string[])["", "btf-archive inventory 2\n", "btf-archive inventory 1\nx name\n", "btf-archive inventory 1\nduplicate many name\n", "btf-archive inventory 1\nfile\n"])
            Assert.Throws<FormatException>(() => KernelInventory.Read(System.Text.Encoding.UTF8.GetBytes(text)));
    }

    [Fact]
    [Trait("Category", "Real")]
    public void RealKernelsFunctionsAreThoseOfItsSymbols()
    {
        var kernel = KernelCorpus.BookwormCloudAmd64;
        var inventory = Take(kernel.VmlinuxPath, threads: 2);

        Assert.True(Traits(inventory, "vfs_fsync_range", "fs/sync.c").Traits.HasFlag(FunctionTraits.External | FunctionTraits.Code));
        Assert.Equal(FunctionTraits.None, Traits(inventory, "skb_headlen", "include/linux/skbuff.h").Traits & FunctionTraits.Code);
        Assert.Contains("sched_switch", inventory.Tracepoints);
        Assert.Contains(inventory.SuffixedSymbols, s => s.EndsWith(".constprop.0", StringComparison.Ordinal));

        // By the symbol table: every external function with code has a symbol of its name.
        var symbols = Tool.Run("nm", kernel.VmlinuxPath).Split('\n').Select(l => l.Split(' ')[^1]).ToHashSet(StringComparer.Ordinal);
        var missing = inventory.Functions.Where(f => f.Traits == (FunctionTraits.External | FunctionTraits.Code) && !symbols.Contains(f.Name)).ToList();
        Assert.True(missing.Count < 20, string.Join(", ", missing.Take(30)));
        Assert.InRange(inventory.Functions.Count, 50_000, 150_000);
        Assert.InRange(inventory.WriteCompressed(2).Length, 100_000, 1_000_000);
    }

    [Fact]
    public void ConfigIsReadOutOfTheImage()
    {
        using var folder = new TempFolder();
        folder.Write("config", "# comment\nCONFIG_HZ=250\n# CONFIG_NOT is not set\nCONFIG_BPF=y\nCONFIG_LSM=\"lockdown,bpf\"\n");
        Tool.Shell($"cd '{folder.FullPath}' && gzip config");
        var source = folder.Write("program.c", $$"""
            __asm__(".section .rodata\n.ascii \"IKCFG_ST\"\n.incbin \"{{folder.File("config.gz")}}\"\n.ascii \"IKCFG_ED\"\n.text");
            struct x { int a; } x; int main(void) { return x.a; }
            """);
        Tool.Run("gcc", "-g", "-o", folder.File("program"), source);

        var inventory = Take(folder.File("program"));

        Assert.Equal(["CONFIG_BPF=y", "CONFIG_HZ=250", "CONFIG_LSM=\"lockdown,bpf\""], inventory.Config);
        Assert.Equal(inventory.Config, KernelInventory.Read(inventory.Write()).Config);
    }

    [Fact]
    [Trait("Category", "Real")]
    public void ConfigIsReadOutOfThePackage()
    {
        var package = KernelCorpus.Image(Vmlinuz.BootImageSamples.Uname).PackagePath;
        using var work = new TempFolder();

        using var file = File.OpenRead(package);
        var kernel = new KernelExtractor(work.FullPath, new ConversionOptions(BtfSource.Auto, 2) { Inventory = true }).Extract(file);

        var packed = Tool.Run("bash", "-c", $"dpkg-deb --fsys-tarfile '{package}' | tar -xO --wildcards './boot/config-*' | grep ^CONFIG_ | LC_ALL=C sort");
        Assert.Equal(packed.TrimEnd('\n').Split('\n'), kernel.Inventory!.Config);
        Assert.Contains("CONFIG_BPF_SYSCALL=y", kernel.Inventory.Config);
    }

    private static KernelInventory Take(string image, int threads = 1) =>
        VmlinuxConverter.Convert(image, new ConversionOptions(BtfSource.Dwarf, threads) { Inventory = true }).Inventory!;

    private static (FunctionTraits Traits, bool Found) Traits(KernelInventory inventory, string name, string file)
    {
        var found = inventory.Functions.Where(f => f.Name == name && f.File.EndsWith(file, StringComparison.Ordinal)).ToList();
        return found.Count == 1 ? (found[0].Traits, true) : (FunctionTraits.None, false);
    }
}
