using System.Buffers.Binary;
using System.Text;
using TestKit;

namespace Archive.Extractor.Tests.Vmlinuz;

/// <summary>
/// Boot images made here: a program compiled as a kernel stands in (with a banner, a build-id and BTF by pahole), compressed by
/// the tools that kernels are compressed with, behind headers laid out as the kernel's documentation has them.
/// </summary>
internal static class BootImageSamples
{
    public const string Uname = "6.1.0-56-cloud-amd64";

    private const string Program = $$"""
        struct task_struct { int pid; struct task_struct *next; char comm[16]; } init_task;
        union value { int number; long wide; } value;
        const char linux_format[] = "Linux version %s (%s) %s\n";
        const char weak_banner[] = "Linux version {{Uname}} (debian-kernel@example.org) (gcc-12 (Debian 12.2.0) 12.2.0) # SMP\n";
        const char linux_banner[] = "Linux version {{Uname}} (debian-kernel@example.org) (gcc-12 (Debian 12.2.0) 12.2.0) #1 SMP\n";
        int schedule(struct task_struct *task, union value v) { return task->pid + v.number; }
        int main(void) { return schedule(&init_task, value) + linux_banner[0] + weak_banner[0] + linux_format[0]; }
        """;

    private static readonly Lazy<Kernel> LittleEndian = new(() => Compile("gcc"));
    private static readonly Lazy<Kernel> BigEndian = new(() => Compile("s390x-linux-gnu-gcc"));

    /// <param name="Elf">Stripped of symbols and DWARF, as x86's payload is.</param>
    /// <param name="Debug">With both.</param>
    /// <param name="Bare">With neither, and without BTF.</param>
    internal sealed record Kernel(byte[] Elf, byte[] Debug, byte[] Bare, byte[] Btf, byte[] Notes, string BuildId);

    public static Kernel X86 => LittleEndian.Value;

    /// <summary>Of another byte order.</summary>
    public static Kernel S390 => BigEndian.Value;

    public static string Banner { get; } = $"Linux version {Uname} (debian-kernel@example.org) (gcc-12 (Debian 12.2.0) 12.2.0) #1 SMP";

    /// <summary>Each compression with its command in the kernel's build (scripts/Makefile.lib) and the name that we report.</summary>
    public static TheoryData<string, string> Compressors => new()
    {
        { "gzip -n -f -9", "gzip" },
        { "xz --check=crc32 --x86 --lzma2=dict=32MiB", "xz" },
        { "xz --check=crc32 --powerpc --lzma2=dict=32MiB", "xz" },
        { "lzma -9", "lzma" },
        { "zstd -q -22 --ultra", "zstd" },
        { "lz4 -l -9", "lz4" },
        { "lzop -9", "lzop" },
        { "lzop -1 -F", "lzop" },
        { "bzip2 -9", "bzip2" },
    };

    public static byte[] Compress(string command, byte[] plain)
    {
        using var folder = new TempFolder();
        File.WriteAllBytes(folder.File("plain"), plain);
        Tool.Shell($"{command} < '{folder.File("plain")}' > '{folder.File("packed")}'");
        return File.ReadAllBytes(folder.File("packed"));
    }

    /// <summary>As the kernel's build does for every compressor but gzip, which has it: the size in four bytes behind the payload.</summary>
    public static byte[] WithSize(byte[] packed, byte[] plain) => packed is [0x1f, 0x8b, ..] ? packed : [.. packed, .. Word(plain.Length)];

    /// <summary>Documentation/arch/x86/boot.rst.</summary>
    public static byte[] BzImage(byte[] payload, byte setupSectors = 39, ushort protocol = 0x20f)
    {
        const int decompressor = 0x2cc;
        var start = ((setupSectors == 0 ? 4 : setupSectors) + 1) * 512;
        var image = new byte[start + decompressor + payload.Length + 100];
        (image[0], image[1]) = ((byte)'M', (byte)'Z');
        image[0x1f1] = setupSectors;
        (image[0x1fe], image[0x1ff]) = (0x55, 0xaa);
        "HdrS"u8.CopyTo(image.AsSpan(0x202));
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x206), protocol);
        if (protocol >= 0x208)
        {
            Put(image, 0x248, decompressor);
            Put(image, 0x24c, payload.Length);
        }

        payload.CopyTo(image, start + decompressor);
        return image;
    }

    /// <summary>drivers/firmware/efi/libstub/zboot-header.S, for arm64.</summary>
    public static byte[] Zboot(byte[] payload, string compression)
    {
        var image = new byte[0x1000 + payload.Length + 512];
        "MZ\0\0zimg"u8.CopyTo(image);
        Put(image, 8, 0x1000);
        Put(image, 12, payload.Length);
        Encoding.ASCII.GetBytes(compression, image.AsSpan(24));
        Put(image, 0x38, unchecked((int)0x818223cd));
        Put(image, 0x3c, 0x40);
        "PE\0\0"u8.CopyTo(image.AsSpan(0x40));
        BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(0x44), 0xaa64);
        payload.CopyTo(image, 0x1000);
        return image;
    }

    /// <summary>Documentation/arch/arm64/booting.rst, over <see cref="Memory"/>.</summary>
    public static byte[] Arm64Image(byte[] memory)
    {
        var header = new byte[64];
        (header[0], header[1]) = ((byte)'M', (byte)'Z');
        "ARM\u0064"u8.CopyTo(header.AsSpan(56));
        return [.. header, .. memory];
    }

    /// <summary>Documentation/arch/riscv/boot-image-header.rst.</summary>
    public static byte[] RiscVImage(byte[] memory)
    {
        var header = new byte[64];
        "RISCV\0\0\0RSC\u0005"u8.CopyTo(header.AsSpan(48));
        return [.. header, .. memory];
    }

    /// <summary>What a kernel is in memory, as far as we look: code, a vDSO with a build-id of its own, the banner, notes, BTF, data.</summary>
    public static byte[] Memory(Kernel kernel, byte[]? btf = null, byte[]? before = null)
    {
        byte[] vdso = [.. "\u007fELF"u8, .. new byte[60], .. kernel.Notes[..16], .. Enumerable.Repeat((byte)0xee, 20), .. new byte[8192]];
        return [.. new byte[4096], .. vdso, .. before ?? [], .. Encoding.ASCII.GetBytes($"Linux version %s\n\0{Banner.Replace("#1", "#", StringComparison.Ordinal)}\n\0"), .. Encoding.ASCII.GetBytes(Banner + "\n\0"), .. new byte[33], .. kernel.Notes, .. btf ?? kernel.Btf, .. new byte[5000]];
    }

    /// <summary>A decompressor with magics in its code, and the payload somewhere behind it.</summary>
    public static byte[] S390Image(byte[] payload)
    {
        var image = new byte[0x20000];
        "S390EP"u8.CopyTo(image.AsSpan(0x10008));
        new byte[] { 0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, 0 }.CopyTo(image, 0x11000);
        new byte[] { 0x1f, 0x8b, 8, 0 }.CopyTo(image, 0x11100);
        return [.. image, .. payload, .. new byte[3000]];
    }

    /// <summary>arch/arm/boot/compressed/head.S.</summary>
    public static byte[] ArmZimage(byte[] payload)
    {
        var image = new byte[0x3000];
        Put(image, 0x24, 0x016f2818);
        return [.. image, .. payload, .. new byte[300]];
    }

    public static byte[] Word(int value)
    {
        var bytes = new byte[4];
        Put(bytes, 0, value);
        return bytes;
    }

    public static void Put(byte[] bytes, int at, int value) => BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(at), value);

    private static Kernel Compile(string compiler)
    {
        using var folder = new TempFolder();
        var (debug, elf, bare) = (folder.File("debug"), folder.File("elf"), folder.File("bare"));
        Tool.Run(compiler, "-g", "-w", "-nostdlib", "-static", "-Wl,-emain", "-Wl,--build-id", "-o", debug, folder.Write("kernel.c", Program));
        var objcopy = compiler.Replace("gcc", "objcopy", StringComparison.Ordinal);
        Tool.Run(objcopy, "-S", debug, bare);
        var btf = folder.File("btf");
        Tool.Run("pahole", "-j1", $"--btf_encode_detached={btf}", debug);
        Tool.Run(objcopy, "-S", $"--add-section=.BTF={btf}", debug, elf);
        Tool.Run(objcopy, "-O", "binary", "-j", ".note.gnu.build-id", debug, folder.File("notes"));
        var notes = File.ReadAllBytes(folder.File("notes"));
        return new Kernel(
            File.ReadAllBytes(elf), File.ReadAllBytes(debug), File.ReadAllBytes(bare), File.ReadAllBytes(btf), notes, Convert.ToHexStringLower(notes.AsSpan(16)));
    }
}
