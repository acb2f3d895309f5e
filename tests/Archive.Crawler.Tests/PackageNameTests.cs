using Archive.Crawler.Sources;
using Archive.Store.Kernels;

namespace Archive.Crawler.Tests;

/// <summary>The rules of the sources on names of packages as distros publish them (<c>package-names.tsv</c>).</summary>
public sealed class PackageNameTests
{
    private static readonly List<string[]> Rows = [.. File.ReadLines(Path.Combine(Checkout.Root, "tests", "Archive.Crawler.Tests", "package-names.tsv"))
        .Where(l => !l.StartsWith('#')).Select(l => l.Split('\t'))];

    public static TheoryData<string> Sources => [.. Rows.Select(r => r[0]).Distinct()];

    [Fact]
    public void TheTableHasNamesOfEveryDistro()
    {
        Assert.True(Rows.Count >= 300, $"{Rows.Count} rows");
        Assert.Equal(new SourceFiles().All.Select(s => s.Distro).Distinct().Order(StringComparer.Ordinal), Rows.Select(r => r[5]).Distinct().Order(StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Sources))]
    public void NamesGiveDistroVersionArchUnameAndFlavour(string id)
    {
        var source = SourceFiles.BuiltIn(id)!;
        foreach (var row in Rows.Where(r => r[0] == id))
        {
            var package = new PackageName(row[1], row[2], row[3], row[4]);
            var (_, _, uname) = source.Classify(package) ?? throw new InvalidOperationException($"{string.Join(' ', row)} is no kernel");
            Assert.Equal((row[7], row[8]), (uname, source.FlavourOf(uname, row[1])));
            Assert.Equal(row[5], source.Distro);
            Assert.True(source.Arches.ContainsKey(row[4]), row[4]);
            if (row[6] == "*")
                continue;
            var version = KernelNames.Version(source.Distro, row[6]);
            Assert.Contains(source.Releases, r => KernelNames.Version(source.Distro, r.Version) == version);
            // Where the name itself tells the version, it tells the same.
            Assert.Equal(version, KernelNames.Version(source.Distro, KernelNames.VersionOf(source.Distro, uname) ?? row[6]));
        }
    }
}
