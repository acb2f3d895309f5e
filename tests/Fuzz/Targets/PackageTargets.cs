using Archive.Extractor.Packages;
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

/// <summary>The published tarball.</summary>
internal sealed class TarballTarget : FuzzTarget
{
    public override string Name => "tarball";

    public override void Execute(byte[] input) => _ = BtfTarball.Unpack(new MemoryStream(input));

    public override byte[] Mutate(byte[] input, byte[] other, Random random) => XzMutations.Apply(input, other, random);
}
