using System.Diagnostics;
using System.Text;
using Archive.Extractor;
using Archive.Extractor.Packages;
using Archive.Extractor.Vmlinuz;
using Btf;
using Btf.Elf;
using Fuzz.Building;
using Fuzz.Mutation;
using Fuzz.Targets;

namespace Fuzz.Tests;

/// <summary>Packages, images and indexes that are made to cost much, each below 1 MiB.</summary>
public sealed class HostilePackageTests
{
    private const int MaxBytes = 1 << 20;

    [Fact]
    public void SectionsThatOverlap()
    {
        var elf = new ElfBuilder(ElfMachine.X8664, is64: true, bigEndian: false);
        foreach (var _ in Enumerable.Range(0, 10_000))
            elf.Add(".note", [], ElfSectionType.Note);
        var image = elf.Build();
        var table = (int)BitConverter.ToUInt64(image, 40);
        for (var i = 1; i < 10_000; i++)
            BitConverter.GetBytes((ulong)table).CopyTo(image, table + 64 * i + 32);
        Assert.Contains("overlap", Assert.Throws<ElfFormatException>(() => ElfImage.FromBytes(image)).Message, StringComparison.Ordinal);
        AssertBounded(new ElfTarget(), image);
    }

    [Fact]
    public void SectionsThatShareOneLongName()
    {
        var elf = new ElfBuilder(ElfMachine.X8664, is64: true, bigEndian: false);
        foreach (var _ in Enumerable.Range(0, 7_000))
            elf.Add("", []);
        elf.Add(new string('a', 500_000), []);
        var image = elf.Build();
        var table = (int)BitConverter.ToUInt64(image, 40);
        for (var i = 1; i < 7_000; i++)
            BitConverter.GetBytes(7_001 + i).CopyTo(image, table + 64 * i);
        AssertBounded(new ElfTarget(), image);
    }

    [Fact]
    public void ManyNotes()
    {
        var elf = new ElfBuilder(ElfMachine.X8664, is64: true, bigEndian: false);
        elf.Add(".note", new byte[900_000], ElfSectionType.Note);
        AssertBounded(new ElfTarget(), elf.Build());
    }

    [Fact]
    public void ManyMembers()
    {
        var ar = new StringBuilder("!<arch>\n");
        foreach (var i in Enumerable.Range(0, 15_000))
            ar.Append($"{"debian-binary",-16}{0,-12}{0,-6}{0,-6}{0,-8}{0,-10}`\n");
        AssertBounded(new ArTarget(), Encoding.ASCII.GetBytes(ar.ToString()));
        AssertBounded(new DebTarget(), Encoding.ASCII.GetBytes(ar.ToString()));
    }

    [Theory]
    [InlineData('0', "00000000000")]
    [InlineData('x', "00000177777")]
    [InlineData('L', "00000177777")]
    [InlineData('K', "77777777777")]
    [InlineData('5', "77777777777")]
    [InlineData('0', "77777777777")]
    public void ManyTarEntries(char type, string size)
    {
        var block = new byte[512];
        block[0] = (byte)'a';
        Encoding.ASCII.GetBytes(size, block.AsSpan(124));
        block[156] = (byte)type;
        TarMutations.SetChecksum(block);
        byte[] tar = [.. Enumerable.Repeat(block, 2000).SelectMany(bytes => bytes)];
        AssertBounded(new TarTarget(), tar);
        AssertBounded(new DebTarget(), DebOf(tar));
    }

    [Theory]
    [InlineData("gzip -9")]
    [InlineData("bzip2 -9")]
    [InlineData("xz -0")]
    [InlineData("xz -9")]
    [InlineData("lzma -0")]
    [InlineData("zstd -1")]
    public void DataThatExpandsALot(string compressor)
    {
        var packed = PackedZeros(compressor, "300M");
        AssertBounded(new DebTarget(), DebOf(packed));
        AssertBounded(new TarballTarget(), packed);
        AssertBounded(new ShippedLimits(), DebOf(packed));
    }

    /// <summary>A kernel is searched at every magic: what each attempt costs has to add up to little.</summary>
    [Theory]
    [InlineData("gzip -9")]
    [InlineData("bzip2 -9")]
    [InlineData("xz -0")]
    [InlineData("zstd -1")]
    [InlineData("lz4 -l")]
    public void ABootImageOfManyPayloadsThatExpandALot(string compressor)
    {
        var packed = PackedZeros(compressor, "60M");
        byte[] image = [.. Enumerable.Repeat<byte[]>([0, .. packed], Math.Min(64, MaxBytes / (packed.Length + 1))).SelectMany(bytes => bytes)];
        AssertBounded(new ShippedBootImage(), image);
    }

    [Fact]
    public void FieldsOfManyLines() => AssertBounded(new Deb822Target(), Encoding.ASCII.GetBytes("SHA256:\n" + string.Concat(Enumerable.Repeat(" a\n", 340_000))));

    [Fact]
    public void ManyParagraphs() => AssertBounded(new Deb822Target(), Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("a:\n\n", 250_000))));

    [Fact]
    public void ManyFields() => AssertBounded(new Deb822Target(), Encoding.ASCII.GetBytes(string.Concat(Enumerable.Range(0, 100_000).Select(i => $"f{i}:\n"))));

    private static byte[] PackedZeros(string compressor, string size)
    {
        var start = new ProcessStartInfo("bash", ["-c", $"head -c {size} /dev/zero | {compressor} -c"]) { RedirectStandardOutput = true, UseShellExecute = false };
        using var process = Process.Start(start)!;
        using var packed = new MemoryStream();
        process.StandardOutput.BaseStream.CopyTo(packed);
        process.WaitForExit();
        return packed.ToArray();
    }

    private static byte[] DebOf(byte[] data) =>
        [.. "!<arch>\n"u8, .. Member("debian-binary", [.. "2.0\n"u8]), .. Member("control.tar", []), .. Member("data.tar.xz", data)];

    private static byte[] Member(string name, byte[] content) =>
        [.. Encoding.ASCII.GetBytes($"{name,-16}{0,-12}{0,-6}{0,-6}{0,-8}{content.Length,-10}`\n"), .. content, .. content.Length % 2 == 0 ? ""u8 : "\n"u8];

    private static void AssertBounded(FuzzTarget target, byte[] input)
    {
        Assert.InRange(input.Length, 1, MaxBytes);
        var execution = Execution.Run(target, input);
        Assert.True(execution.Verdict != Verdict.Failed, $"{execution.Signature}: {execution.Problem}");
    }

    /// <summary>A Debian package within the limits that the product has.</summary>
    private sealed class ShippedLimits : FuzzTarget
    {
        public override string Name => "deb";

        public override void Execute(byte[] input)
        {
            using var package = DebPackage.Open(new MemoryStream(input), ExtractionLimits.Default, Environment.ProcessorCount);
            while (package.Files.Next() is { } file)
                file.Content.CopyTo(Stream.Null);
        }

        public override byte[] Mutate(byte[] input, byte[] other, Random random) => input;
    }

    /// <summary>A boot image within the limits that the product has.</summary>
    private sealed class ShippedBootImage : FuzzTarget
    {
        public override string Name => "vmlinuz";

        public override bool Declares(Exception problem) => base.Declares(problem) || problem is UnsupportedImageException;

        public override void Execute(byte[] input) => _ = new BootImageReader(ExtractionLimits.Default, CancellationToken.None).Unpack(input);

        public override byte[] Mutate(byte[] input, byte[] other, Random random) => input;
    }
}
