using Archive.Crawler.Protocols.Apt;
using TestKit;

namespace Archive.Crawler.Tests;

public sealed class HostAptSourcesTests
{
    [Fact]
    public void OneLineEntriesWithOptionsCommentsAndSources()
    {
        var entries = HostAptSources.ParseLines([
            "# deb http://commented.example/debian bookworm main",
            "deb [arch=amd64 signed-by=/usr/share/keyrings/own.gpg] http://mirror.example/debian bookworm main contrib # remark",
            "deb-src http://mirror.example/debian bookworm main",
            "deb cdrom:[Debian]/ bookworm main",
            "deb\thttps://security.example/debian-security/ bookworm-security main",
        ]).ToList();
        Assert.Equal(2, entries.Count);
        Assert.Equal(new Uri("http://mirror.example/debian/"), entries[0].Mirror);
        Assert.Equal(("bookworm", "/usr/share/keyrings/own.gpg"), (entries[0].Suite, entries[0].SignedBy));
        Assert.Equal(["main", "contrib"], entries[0].Components);
        Assert.Equal(("bookworm-security", null), (entries[1].Suite, entries[1].SignedBy));
    }

    [Fact]
    public void Deb822EntriesForEverySuiteAndUriUnlessDisabled()
    {
        using var etc = new TempFolder();
        etc.Write("sources.list.d/debian.sources", """
            # the mirror
            Types: deb deb-src
            URIs: http://one.example/debian http://two.example/debian
            Suites: bookworm bookworm-updates
            Components: main
            Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

            Types: deb
            Enabled: no
            URIs: http://off.example/debian
            Suites: bookworm
            Components: main

            Types: deb-src
            URIs: http://source.example/debian
            Suites: bookworm
            Components: main
            """);
        etc.Write("sources.list", "deb http://zero.example/debian trixie main\n");
        etc.Write("sources.list.d/ignored.save", "deb http://saved.example/debian trixie main\n");
        var entries = HostAptSources.Read(etc.FullPath);
        Assert.Equal(
            ["zero.example trixie", "one.example bookworm", "one.example bookworm-updates", "two.example bookworm", "two.example bookworm-updates"],
            entries.Select(e => $"{e.Mirror.Host} {e.Suite}"));
        Assert.Equal("/usr/share/keyrings/debian-archive-keyring.gpg", entries[1].SignedBy);
    }

    [Fact]
    public void BrokenFileLosesOnlyWhatIsBehindTheMistake()
    {
        using var etc = new TempFolder();
        etc.Write("sources.list.d/a.sources", "Types: deb\nURIs: http://good.example/debian\nSuites: bookworm\nComponents: main\n\nno field at all\n");
        Assert.Equal("good.example", Assert.Single(HostAptSources.Read(etc.FullPath)).Mirror.Host);
    }
}
