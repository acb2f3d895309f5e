using System.Diagnostics;
using System.Formats.Tar;
using Archive.Extractor.Packages;
using Btf;

namespace Archive.Extractor.Tests.Packages;

/// <summary>Seeded mutations of sound packages: whatever comes of them, only the error of malformed input escapes.</summary>
public sealed class PackageFuzzTests : IDisposable
{
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(0.7);
    private static readonly ExtractionLimits Limits = new() { MaxExpandedBytes = 1 << 20, MaxImageBytes = 1 << 20, MaxDecoderBytes = 64 << 20 };
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData("xz", 1)]
    [InlineData("xz", 2)]
    [InlineData("zstd", 3)]
    [InlineData("gzip", 4)]
    [InlineData("none", 5)]
    public void MutatedPackagesRaiseNothingElse(string compression, int seed) =>
        Fuzz(Samples.Deb(_workspace, compression, Samples.Image(3000)), seed);

    [Fact]
    public void MutatedBzip2RaisesNothingElse()
    {
        File.WriteAllBytes(_workspace.PathOf("plain"), Samples.Tar(TarEntryFormat.Gnu, (Samples.ImageEntry, Samples.Image(3000))));
        Fuzz(Samples.DebOf(_workspace.Run("bzip2", "-c", "plain"), "data.tar.bz2"), seed: 6);
    }

    [Theory]
    [InlineData(TarEntryFormat.Gnu, 7)]
    [InlineData(TarEntryFormat.Pax, 8)]
    public void MutatedTarsRaiseNothingElse(TarEntryFormat format, int seed) =>
        Fuzz(Samples.DebOf(Samples.Tar(format, (new string('n', 300), [1, 2]), (Samples.ImageEntry, Samples.Image(600)))), seed);

    private static void Fuzz(byte[] sound, int seed)
    {
        var random = new Random(seed);
        var clock = Stopwatch.StartNew();
        var (read, refused) = (0, 0);
        while (clock.Elapsed < Budget)
        {
            if (ReadAll(Mutate(sound, random)))
                read++;
            else
                refused++;
        }

        Assert.True(read + refused > 20 && refused > 0, $"{read} read, {refused} refused");
    }

    private static byte[] Mutate(byte[] sound, Random random)
    {
        var mutated = (byte[])sound.Clone();
        for (var i = random.Next(1, 6); i > 0; i--)
            mutated[random.Next(mutated.Length)] = (byte)random.Next(256);
        return random.Next(4) == 0 ? mutated[..random.Next(mutated.Length)] : mutated;
    }

    private static bool ReadAll(byte[] package)
    {
        try
        {
            using var deb = DebPackage.Open(new MemoryStream(package), Limits, threads: 2);
            while (deb.Files.Next() is { } file)
                file.Content.CopyTo(Stream.Null);
            return true;
        }
        catch (MalformedInputException)
        {
            return false;
        }
    }
}
