using Archive.Extractor;
using Archive.Extractor.Packages;
using Btf.Elf;
using Fuzz.Mutation;

namespace Fuzz.Targets;

/// <summary>What a package of a fuzzed size may expand to.</summary>
internal static class PackageLimits
{
    public static ExtractionLimits Small { get; } = new()
    { MaxExpandedBytes = 16 << 20, RatioFreeBytes = 4 << 20, MaxImageBytes = 8 << 20, MaxEntries = 1000, MaxDecoderBytes = 64 << 20 };
}

/// <summary>ar: every member to its end.</summary>
internal sealed class ArTarget : FuzzTarget
{
    public override string Name => "ar";

    public override void Execute(byte[] input)
    {
        var archive = new ArReader(new MemoryStream(input), "package");
        while (archive.Next() is { } member)
            member.Content.CopyTo(Stream.Null);
    }

    public override byte[] Mutate(byte[] input, byte[] other, Random random) => ArMutations.Apply(input, other, random);
}

/// <summary>tar: every file to its end.</summary>
internal sealed class TarTarget : FuzzTarget
{
    private const int MaxEntries = 1000;

    public override string Name => "tar";

    public override void Execute(byte[] input)
    {
        var files = new TarFileReader(new MemoryStream(input), "data.tar", MaxEntries);
        while (files.Next() is { } file)
        {
            _ = KernelImageNames.UnameOf(file.Name);
            file.Content.CopyTo(Stream.Null);
        }
    }

    public override byte[] Mutate(byte[] input, byte[] other, Random random) => TarMutations.Apply(input, other, random);
}

/// <summary>A Debian package of any codec: every file of its data member.</summary>
internal sealed class DebTarget : FuzzTarget
{
    public override string Name => "deb";

    public override void Execute(byte[] input)
    {
        using var package = DebPackage.Open(new MemoryStream(input), PackageLimits.Small, threads: 1);
        while (package.Files.Next() is { } file)
            file.Content.CopyTo(Stream.Null);
    }

    public override byte[] Mutate(byte[] input, byte[] other, Random random) => DebMutations.Apply(input, other, random);
}

/// <summary>A package that is a file, of which only what matters is decoded; that must be what whole decoding gives.</summary>
internal sealed class LocalDebTarget : FuzzTarget
{
    private static readonly ConversionOptions Options = new(BtfSource.Auto, 1);

    public override string Name => "local-deb";

    public override void Execute(byte[] input)
    {
        var folder = Path.GetTempPath();
        using var file = NamelessFile.Create(folder, input.Length);
        file.Write(input);
        file.Position = 0;
        using var package = DebPackage.Open(file, PackageLimits.Small, threads: 1);
        while (package.Files.Next() is { } packed)
        {
            if (packed.Size == 0 || packed.Size > PackageLimits.Small.MaxImageBytes || ImageBlocks.Find(file.SafeFileHandle, package.DataMember, packed, PackageLimits.Small, threads: 1) is not { } blocks)
                continue;
            using var copy = SpooledImage.Create(folder, packed, "", [], spooled => new SparseCopy(spooled, packed, blocks, static (elf, section) => VmlinuxConverter.Reads(elf, section, Options), static _ => { }).Run());
            Compare(copy, Whole(input, package.Files.Entries));
            return;
        }
    }

    public override byte[] Mutate(byte[] input, byte[] other, Random random) => PackedImageMutations.Apply(input, other, random);

    private static byte[]? Whole(byte[] input, int entry)
    {
        try
        {
            using var package = DebPackage.Open(new MemoryStream(input), PackageLimits.Small, threads: 1);
            while (package.Files.Next() is { } packed)
            {
                if (package.Files.Entries < entry)
                    continue;
                using var content = new MemoryStream();
                packed.Content.CopyTo(content);
                return content.ToArray();
            }
            throw new BrokenPromiseException($"entry {entry} is only there for the one that decodes in parts");
        }
        catch (PackageFormatException)
        {
            return null; // Damage where nobody looks.
        }
    }

    private static void Compare(SpooledImage copy, byte[]? whole)
    {
        if (whole is null)
            return;
        using var expected = ElfImage.FromBytes(whole);
        using var actual = ElfImage.Open(copy.Path);
        foreach (var section in expected.Sections.Where(s => s.HasBytes && VmlinuxConverter.Reads(expected, s, Options)))
        {
            if (!expected.Read(section).AsSpan().SequenceEqual(actual.Read(section)))
                throw new BrokenPromiseException($"'{section.Name}' has other bytes where the package is decoded in parts");
        }
    }
}

/// <summary>The published tarball.</summary>
internal sealed class TarballTarget : FuzzTarget
{
    public override string Name => "tarball";

    public override void Execute(byte[] input) => _ = BtfTarball.Unpack(new MemoryStream(input));

    public override byte[] Mutate(byte[] input, byte[] other, Random random) => XzMutations.Apply(input, other, random);
}
