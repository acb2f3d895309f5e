using Archive.Crawler.Sources;

namespace Archive.Crawler.Tests;

public sealed class BuiltInSourcesTests
{
    private static readonly string[] Distros = [
        "ubuntu", "debian", "centos", "fedora", "ol", "rhel", "rocky", "almalinux", "amzn", "sles", "opensuse-leap", "opensuse-tumbleweed",
        "openEuler", "anolis", "alinux", "photon", "azurelinux", "kylin",
    ];

    public static TheoryData<string> Ids => [.. SourceFiles.BuiltInIds];

    [Fact]
    public void EveryDistroHasASource() =>
        Assert.Equal(Distros.Order(StringComparer.Ordinal), new SourceFiles().All.Select(s => s.Distro).Distinct().Order(StringComparer.Ordinal));

    [Theory]
    [MemberData(nameof(Ids))]
    public void EverySourceIsValidAndSaysHowItIsVerified(string id)
    {
        var source = SourceFiles.BuiltIn(id)!;
        Assert.Equal(id, source.Id);
        Assert.True(source.KeyringPackage is not null || source.Unverified is not null);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void EverySourceHasItsPage(string id)
    {
        var page = Path.Combine(Checkout.Root, "docs", "sources", id + ".md");
        Assert.True(File.Exists(page), $"docs/sources/{id}.md is missing: it says what the source crawls, how it is verified, and what is odd about it");
        Assert.Contains($"Sources/{id}.json", File.ReadAllText(page));
    }

    [Fact]
    public void EveryPageHasItsSource() => Assert.Equal(
        SourceFiles.BuiltInIds, Directory.GetFiles(Path.Combine(Checkout.Root, "docs", "sources"), "*.md").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal));

    [Fact]
    public void AUsersFileAddsASourceOrReplacesOne()
    {
        using var archive = new CrawlWorkspace();
        archive.AddRpmSource("\"http://mirror.example/\"", "/etc/keys.gpg");
        archive.AddSource("fedora", File.ReadAllText(Path.Combine(archive.SourcesFolder, "testos.json")).Replace("\"testos\"", "\"fedora\"", StringComparison.Ordinal));
        var sources = new SourceFiles(archive.SourcesFolder);
        Assert.NotNull(sources.Find("testos"));
        Assert.Equal("/etc/keys.gpg", sources.Find("fedora")!.Keyring);
        Assert.Equal(SourceFiles.BuiltInIds.Count + 1, sources.All.Count);
    }

    [Theory]
    [InlineData("\"rpm-md\"", "\"ftp\"", "protocol")]
    [InlineData("\"keyring\": \"/k\"", "\"keyring\": null", "unverified")]
    [InlineData("{version}-{release}.{arch}", "{version}-{buildnumber}", "packages[0].uname")]
    [InlineData("\"aarch64\": \"arm64\"", "\"aarch64\": \"aarch64\"", "arches.aarch64")]
    [InlineData("\"name\": \".\"", "\"name\": \"../up\"", "releases.9.repositories")]
    [InlineData("\"name\": \".\"", "\"name\": \".\", \"arches\": [ \"vax\" ]", "arches")]
    [InlineData("\"name\": \".\"", "\"name\": \".\", \"metalink\": \"gopher://x\"", "releases.9.repositories")]
    [InlineData("\"id\": \"testos\"", "\"id\": \"testos\", \"cron\": \"often\"", "cron")]
    [InlineData("\"id\": \"testos\"", "\"id\": \"testos\", \"politeness\": { \"connections\": 0 }", "politeness")]
    [InlineData("http://m/", "ftp://m/", "mirrors.main")]
    public void MistakesOfAUsersFileAreNamedByFileAndField(string good, string bad, string field)
    {
        using var archive = new CrawlWorkspace();
        archive.AddRpmSource("\"http://m/\"", "/k");
        var file = Path.Combine(archive.SourcesFolder, "testos.json");
        var text = File.ReadAllText(file);
        Assert.Contains(good, text);
        File.WriteAllText(file, text.Replace(good, bad, StringComparison.Ordinal));
        var mistake = Assert.Throws<SourceDefinitionException>(() => new SourceFiles(archive.SourcesFolder));
        Assert.StartsWith($"{file}: ", mistake.Message);
        Assert.Contains(field, mistake.Message);
    }
}
