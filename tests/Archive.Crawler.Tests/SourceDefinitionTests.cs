using System.Text;
using Archive.Crawler.Runs;
using Archive.Crawler.Sources;
using Archive.Store;
using Microsoft.Extensions.Logging.Abstractions;
using TestKit;

namespace Archive.Crawler.Tests;

public sealed class SourceDefinitionTests
{
    private static readonly SourceDefinition Debian = SourceFiles.BuiltIn("debian")!;

    [Theory]
    [InlineData("linux-image-6.1.0-56-cloud-amd64-dbg", "6.1.0-56-cloud-amd64", "cloud")]
    [InlineData("linux-image-6.12.117+deb13-amd64-dbg", "6.12.117+deb13-amd64", "generic")]
    [InlineData("linux-image-6.12.117+deb13-rt-amd64-dbg", "6.12.117+deb13-rt-amd64", "rt")]
    [InlineData("linux-image-6.12.117+deb13-arm64-16k-dbg", "6.12.117+deb13-arm64-16k", "16k")]
    [InlineData("linux-image-6.1.0-0.deb11.48-cloud-amd64-dbg", "6.1.0-0.deb11.48-cloud-amd64", "cloud")]
    [InlineData("linux-image-6.1.0-50-s390x-dbg", "6.1.0-50-s390x", "generic")]
    [InlineData("linux-image-6.12.9+bpo-amd64-dbg", "6.12.9+bpo-amd64", "generic")]
    public void PackageNamesGiveUnameAndFlavour(string package, string uname, string flavour)
    {
        Assert.Equal(uname, Debian.Classify(new PackageName(package, "6.1", "", "amd64"))?.Uname);
        Assert.Equal(flavour, Debian.FlavourOf(uname));
    }

    [Theory]
    [InlineData("linux-image-6.1.0-56-cloud-amd64-dbg", PackageGrade.Debug, "6.1.0-56-cloud-amd64", 0)]
    [InlineData("linux-image-6.1.0-56-cloud-amd64", PackageGrade.Image, "6.1.0-56-cloud-amd64", 1)]
    [InlineData("linux-binary-7.2.13+deb14-rt-amd64", PackageGrade.Image, "7.2.13+deb14-rt-amd64", 1)]
    [InlineData("linux-image-6.1.0-56-cloud-amd64-unsigned", PackageGrade.Image, "6.1.0-56-cloud-amd64", 2)]
    [InlineData("linux-binary-unsigned-7.2.13+deb14-amd64", PackageGrade.Image, "7.2.13+deb14-amd64", 2)]
    [InlineData("linux-modules-7.2.13+deb14-amd64", PackageGrade.Modules, "7.2.13+deb14-amd64", 3)]
    public void PackageNamesGiveGradeAndPreference(string package, PackageGrade grade, string uname, int rank)
    {
        var (rule, place, name) = Debian.Classify(new PackageName(package, "6.1", "", "amd64"))!.Value;
        Assert.Equal((grade, uname, rank), (rule.Grade, name, place));
    }

    [Theory]
    [InlineData("linux-image-amd64-dbg")]
    [InlineData("linux-image-6.12-amd64-dbg")]
    [InlineData("linux-image-cloud-amd64-dbg")]
    [InlineData("linux-image-../../etc-dbg")]
    public void OtherPackagesAreNoKernels(string package) => Assert.Null(Debian.Classify(new PackageName(package, "6.1", "", "amd64")));

    [Theory]
    [InlineData("\"image_packages\": \"archive\"", "\"image_packages\": \"burn\"", "image_packages")]
    [InlineData("^linux-modules-(?<uname>", "^linux-modules-(?<name>", "packages[3].uname")]
    [InlineData("^linux-modules-(?<uname>", "^linux-modules-((?<uname>", "packages[3].name")]
    [InlineData("\"default_flavours\": [ \"cloud\" ]", "\"default_flavours\": [ \"clowd\" ]", "default_flavours")]
    [InlineData("\"stable\": true", "\"stable\": false", "releases")]
    [InlineData("\"protocol\": \"apt\"", "\"protocol\": \"gopher\"", "protocol")]
    [InlineData("\"version\": \"12\"", "\"version\": \"../12\"", "releases.bookworm.version")]
    [InlineData("\"mirror\": \"security\"", "\"mirror\": \"nowhere\"", "mirror")]
    [InlineData("^cloud-", "^cloud-(", "flavours.cloud")]
    [InlineData("\"components\"", "\"komponents\"", "komponents")]
    public void MistakeIsNamedByFileAndField(string good, string bad, string field)
    {
        using var stream = typeof(SourceDefinition).Assembly.GetManifestResourceStream("Archive.Crawler.Sources.debian.json")!;
        using var reader = new StreamReader(stream);
        var text = reader.ReadToEnd().Replace(good, bad, StringComparison.Ordinal);
        using var json = new MemoryStream(Encoding.UTF8.GetBytes(text));
        var mistake = Assert.Throws<SourceDefinitionException>(() => SourceDefinition.Parse("mine.json", json));
        Assert.StartsWith("mine.json: ", mistake.Message);
        Assert.Contains(field, mistake.Message);
    }

    [Fact]
    [Trait("Category", "Real")]
    public async Task HostsMirrorHasKernelsOfThreeArchitectures()
    {
        using var data = new TempFolder();
        using var store = await ArchiveStore.OpenAsync(new StoreOptions { DataDirectory = data.FullPath }, TimeProvider.System, default);
        using var crawls = new CrawlFactory(store, TimeProvider.System, NullLoggerFactory.Instance, data.FullPath);
        var request = new CrawlRequest { Releases = ["bookworm"], Arches = ["amd64", "aarch64", "s390x"], Flavours = ["cloud", "generic"], UnamePattern = "6.1.0-*" };
        var (_, selected, _) = await crawls.Create("debian").PlanAsync(request, null, default);
        Assert.Equal(
            ["arm64 cloud", "arm64 generic", "s390x generic", "x86_64 cloud", "x86_64 generic"],
            selected.Select(k => $"{k.Build.Key.Arch} {k.Flavour}").Order(StringComparer.Ordinal));
        Assert.All(selected, k => Assert.NotEmpty(k.Index!.KeyFingerprints));
    }
}
