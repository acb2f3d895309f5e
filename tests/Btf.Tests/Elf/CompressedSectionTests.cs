using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Btf.Elf;
using TestKit;

namespace Btf.Tests.Elf;

/// <summary>Sections that binutils compressed, in every form, class and byte order.</summary>
public sealed class CompressedSectionTests
{
    private const string Source = """
        #define S(n) struct node##n { struct node##n *next; int value##n; char text##n[n]; } v##n; int f##n(struct node##n *p) { return p->value##n; }
        S(1) S(2) S(3) S(4) S(5) S(6) S(7) S(8) S(9) S(10) S(11) S(12) S(13) S(14) S(15) S(16)
        """;

    public static TheoryData<string, string, string> Forms
    {
        get
        {
            var forms = new TheoryData<string, string, string>();
            // binutils learnt zstd in 2.40, where it was built with it.
            var methods = Tool.Run("objcopy", "--help").Contains("zstd", StringComparison.Ordinal) ? (string[])["zlib-gnu", "zlib", "zstd"] : ["zlib-gnu", "zlib"];
            foreach (var method in methods)
            {
                forms.Add(method, "gcc", "-g");
                if (RuntimeInformation.ProcessArchitecture == Architecture.X64)
                    forms.Add(method, "gcc", "-g -m32 -gdwarf-4");
                forms.Add(method, "s390x-linux-gnu-gcc", "-g");
            }
            return forms;
        }
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void SectionsReadAsBeforeTheyWereCompressed(string method, string compiler, string flags)
    {
        using var folder = new TempFolder();
        var (plainPath, compressedPath) = Compile(folder, method, compiler, flags);
        using var plain = ElfImage.Open(plainPath);
        using var compressed = ElfImage.Open(compressedPath);
        var count = 0;
        foreach (var section in plain.Sections.Where(s => s.Name.StartsWith(".debug_", StringComparison.Ordinal)))
        {
            var found = compressed.Find(section.Name)!;
            Assert.Equal(plain.Read(section), compressed.Read(found));
            count += found.Flags.HasFlag(ElfSectionFlags.Compressed) ? 1 : 0;
        }

        Assert.True(count >= 2, $"only {count} sections are compressed");
        Assert.Equal(method == "zlib-gnu", compressed.Find(".zdebug_info") is not null);
    }

    [Theory]
    [MemberData(nameof(Forms))]
    public void DamagedSectionsRaiseTypedErrorsOnly(string method, string compiler, string flags)
    {
        using var folder = new TempFolder();
        var sound = File.ReadAllBytes(Compile(folder, method, compiler, flags).Compressed);
        var info = Info(sound);
        var random = new Random(20261121);
        var refused = 0;
        for (var i = 0; i < 500; i++)
        {
            var damaged = (byte[])sound.Clone();
            damaged[info.Offset + random.Next(random.Next(2) == 0 ? 24 : (int)info.Size)] = (byte)random.Next(256);
            refused += Refuses(damaged) ? 1 : 0;
        }

        Assert.True(refused > 100, $"{refused} refused");
    }

    [Theory]
    [InlineData("zlib-gnu", 4)]
    [InlineData("zlib", 8)]
    [InlineData("zstd", 8)]
    public void RefusesSizesThatAreNotTheContents(string method, int sizeAt)
    {
        using var folder = new TempFolder();
        if (!Forms.Any(row => (string)row[0] == method))
            return; // an objcopy without zstd
        var sound = File.ReadAllBytes(Compile(folder, method, "gcc", "-g").Compressed);
        var info = Info(sound);
        var size = sound.AsSpan((int)info.Offset + sizeAt, 8);
        var right = method == "zlib-gnu" ? BinaryPrimitives.ReadInt64BigEndian(size) : BinaryPrimitives.ReadInt64LittleEndian(size);
        foreach (var wrong in (long[])[right + 1, right << 20, long.MaxValue, -1, method == "zstd" ? right - 1 : right + 2])
        {
            var lying = (byte[])sound.Clone();
            var field = lying.AsSpan((int)info.Offset + sizeAt, 8);
            if (method == "zlib-gnu")
                BinaryPrimitives.WriteInt64BigEndian(field, wrong);
            else
                BinaryPrimitives.WriteInt64LittleEndian(field, wrong);
            Assert.True(Refuses(lying), $"size {wrong} for {right}");
        }
    }

    [Fact]
    public void RefusesACompressionThatIsNotKnown()
    {
        using var folder = new TempFolder();
        var image = File.ReadAllBytes(Compile(folder, "zlib", "gcc", "-g").Compressed);
        image[Info(image).Offset] = 77;
        using var elf = ElfImage.FromBytes(image);
        Assert.Equal(77UL, Assert.Throws<ElfFormatException>(() => elf.Read(elf.Find(".debug_info")!)).Value);
    }

    [Fact]
    public void ASectionThatIsNotCompressedComesBeforeOneThatIs()
    {
        using var folder = new TempFolder();
        var path = Compile(folder, "zlib-gnu", "gcc", "-g").Compressed;
        File.WriteAllBytes(folder.File("plain"), [1, 2, 3]);
        Tool.Run("objcopy", $"--add-section=.debug_info={folder.File("plain")}", path, folder.File("both"));
        using var elf = ElfImage.Open(folder.File("both"));
        Assert.Equal([1, 2, 3], elf.Read(elf.Find(".debug_info")!));
    }

    private static (string Plain, string Compressed) Compile(TempFolder folder, string method, string compiler, string flags)
    {
        var (plain, compressed) = (folder.File("plain.o"), folder.File("compressed.o"));
        Tool.Run(compiler, [.. flags.Split(' '), "-gz=none", "-c", "-o", plain, folder.Write("source.c", Source)]);
        Tool.Run(compiler.Replace("gcc", "objcopy", StringComparison.Ordinal), $"--compress-debug-sections={method}", plain, compressed);
        return (plain, compressed);
    }

    private static ElfSection Info(byte[] image)
    {
        using var elf = ElfImage.FromBytes(image);
        return elf.Find(".debug_info")!;
    }

    private static bool Refuses(byte[] image)
    {
        try
        {
            using var elf = ElfImage.FromBytes(image);
            elf.Read(elf.Find(".debug_info")!);
            return false;
        }
        catch (ElfFormatException)
        {
            return true;
        }
    }
}
