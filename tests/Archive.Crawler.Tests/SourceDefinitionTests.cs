using System.Text;
using Archive.Crawler.Runs;
using Archive.Crawler.Sources;
using Archive.Store;
using Microsoft.Extensions.Logging.Abstractions;
using TestKit;

namespace Archive.Crawler.Tests;

public sealed class SourceDefinitionTests
{
    private static readonly SourceDefinition Debian = SourceDefinition.BuiltIn("debian")!;

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
        Assert.Equal(uname, Debian.UnameOf(package));
        Assert.Equal(flavour, Debian.FlavourOf(uname));
    }

    [Theory]
    [InlineData("linux-image-amd64-dbg")]
    [InlineData("linux-image-6.12-amd64-dbg")]
    [InlineData("linux-image-cloud-amd64-dbg")]
    [InlineData("linux-image-6.1.0-56-cloud-amd64")]
    [InlineData("linux-image-../../etc-dbg")]
    public void OtherPackagesAreNoKernels(string package) => Assert.Null(Debian.UnameOf(package));

    [Theory]
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
        var (selected, _, _) = await crawls.Create("debian").PlanAsync(request, null, default);
        Assert.Equal(
            ["arm64 cloud", "arm64 generic", "s390x generic", "x86_64 cloud", "x86_64 generic"],
            selected.Select(k => $"{k.Build.Key.Arch} {k.Flavour}").Order(StringComparer.Ordinal));
        Assert.All(selected, k => Assert.NotEmpty(k.Index.KeyFingerprints));
    }
}
