using Archive.Crawler.Protocols;
using Archive.Crawler.Protocols.Directories;
using Archive.Crawler.Protocols.RpmMd;
using Archive.Extractor.Packages;
using Btf;
using Fuzz.Mutation;

namespace Fuzz.Targets;

/// <summary>An RPM package of any codec: its headers, and every file of its payload.</summary>
internal sealed class RpmTarget : FuzzTarget
{
    public override string Name => "rpm";

    public override bool Declares(Exception problem) => base.Declares(problem) || problem is Archive.Extractor.UnsupportedImageException;

    public override void Execute(byte[] input)
    {
        using var package = RpmPackage.Open(new MemoryStream(input), PackageLimits.Small, threads: 1);
        while (package.Files.Next() is { } file)
            file.Content.CopyTo(Stream.Null);
    }

    public override byte[] Mutate(byte[] input, byte[] other, Random random) => ByteMutations.Apply(input, other, random);
}

/// <summary>cpio: every file to its end.</summary>
internal sealed class CpioTarget : FuzzTarget
{
    private const int MaxEntries = 1000;

    public override string Name => "cpio";

    public override void Execute(byte[] input)
    {
        var files = new CpioFileReader(new MemoryStream(input), "payload", MaxEntries);
        while (files.Next() is { } file)
        {
            _ = KernelImageNames.UnameOf(file.Name);
            file.Content.CopyTo(Stream.Null);
        }
    }

    public override byte[] Mutate(byte[] input, byte[] other, Random random) => ByteMutations.Apply(input, other, random);
}

/// <summary>The indexes of an rpm-md repository as XML and SQLite, and a folder's HTML page.</summary>
internal sealed class RpmMdTarget : FuzzTarget
{
    private static readonly Uri Index = new("http://mirror.example/repodata/index");

    public override string Name => "rpm-md";

    public override bool Declares(Exception problem) => problem is IndexFormatException or MalformedInputException;

    public override void Execute(byte[] input)
    {
        foreach (var file in DirectoryPage.FilesOf(Index, input))
            _ = PackageFileName.Parse(file.Segments[^1]);
        if (input.AsSpan().StartsWith("SQLite format 3\0"u8))
            _ = RpmMdDatabase.Read(Index, new MemoryStream(input), static _ => true);
        else if (input.AsSpan().IndexOf("<repomd"u8) >= 0)
            _ = RpmMdRepository.Parse(Index, input);
        else
            _ = RpmMdPackages.ReadXml(Index, new MemoryStream(input), static _ => true);
    }

    public override byte[] Mutate(byte[] input, byte[] other, Random random) => ByteMutations.Apply(input, other, random);
}
