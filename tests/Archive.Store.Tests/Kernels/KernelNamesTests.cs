using Archive.Store.Kernels;

namespace Archive.Store.Tests.Kernels;

public sealed class KernelNamesTests
{
    [Theory]
    [InlineData("debian", "debian")]
    [InlineData("\"centos\"", "centos")]
    [InlineData("%22centos%22", "centos")]
    [InlineData("'ubuntu'", "ubuntu")]
    [InlineData("RedHat", "rhel")]
    [InlineData("oracle", "ol")]
    [InlineData("suse", "sles")]
    [InlineData("amazon", "amzn")]
    [InlineData("opensuse", "opensuse-leap")]
    [InlineData("opensuse-tumbleweed", "opensuse-tumbleweed")]
    [InlineData("openeuler", "openEuler")]
    [InlineData("openEuler", "openEuler")]
    [InlineData("Rocky Linux", "rocky")]
    [InlineData("Debian GNU/Linux", "debian")]
    [InlineData("mariner", "azurelinux")]
    [InlineData("Gentoo", "gentoo")]
    [InlineData("", null)]
    [InlineData(null, null)]
    [InlineData("../etc", null)]
    [InlineData("a/b", null)]
    [InlineData("\"\"", null)]
    public void ADistroHasOneName(string? written, string? canonical) => Assert.Equal(canonical, KernelNames.Distro(written));

    [Theory]
    [InlineData("x86_64", "x86_64")]
    [InlineData("amd64", "x86_64")]
    [InlineData("x86", "x86_64")]
    [InlineData("X86-64", "x86_64")]
    [InlineData("aarch64", "arm64")]
    [InlineData("%22aarch64%22", "arm64")]
    [InlineData("arm64", "arm64")]
    [InlineData("armv8l", "arm64")]
    [InlineData("ppc64el", "ppc64le")]
    [InlineData("ppc64le", "ppc64le")]
    [InlineData("i686", "i386")]
    [InlineData("i386", "i386")]
    [InlineData("armv7l", "armhf")]
    [InlineData("armhf", "armhf")]
    [InlineData("s390x", "s390x")]
    [InlineData("riscv64", "riscv64")]
    [InlineData("loong64", "loong64")]
    [InlineData("", null)]
    [InlineData("..", null)]
    public void AnArchHasOneName(string? written, string? canonical) => Assert.Equal(canonical, KernelNames.Arch(written));

    [Theory]
    [InlineData("debian", "12", "12")]
    [InlineData("debian", "12.5", "12")]
    [InlineData("debian", "bookworm", "12")]
    [InlineData("debian", "Bullseye", "11")]
    [InlineData("debian", "buster", "10")]
    [InlineData("debian", "stretch", "9")]
    [InlineData("debian", "trixie", "13")]
    [InlineData("debian", "forky", "14")]
    [InlineData("debian", "forky/sid", "14")]
    [InlineData("debian", "bookworm-backports", "12")]
    [InlineData("debian", "sid", "sid")]
    [InlineData("debian", "unstable", "sid")]
    [InlineData("ubuntu", "focal", "20.04")]
    [InlineData("ubuntu", "20.04", "20.04")]
    [InlineData("ubuntu", "20.04.6 LTS", "20.04")]
    [InlineData("ubuntu", "\"22.04\"", "22.04")]
    [InlineData("ubuntu", "noble", "24.04")]
    [InlineData("rhel", "8.4", "8")]
    [InlineData("redhat", "8.4", "8")]
    [InlineData("ol", "7.9", "7")]
    [InlineData("oracle", "9.1", "9")]
    [InlineData("centos", "7.9.2009", "7")]
    [InlineData("centos", "8-stream", "8")]
    [InlineData("centos", "stream9", "9")]
    [InlineData("rocky", "9.3", "9")]
    [InlineData("almalinux", "8.10", "8")]
    [InlineData("fedora", "38", "38")]
    [InlineData("amzn", "1", "2018.03")]
    [InlineData("amzn", "2018", "2018.03")]
    [InlineData("amzn", "2018.03", "2018.03")]
    [InlineData("amazon", "2017.09", "2018.03")]
    [InlineData("amzn", "2", "2")]
    [InlineData("amzn", "2023", "2023")]
    [InlineData("amzn", "2023.6.20241010", "2023")]
    [InlineData("sles", "15-SP4", "15.4")]
    [InlineData("sles", "15.4", "15.4")]
    [InlineData("sles", "12.5", "12.5")]
    [InlineData("opensuse", "15.5", "15.5")]
    [InlineData("openEuler", "22.03 (LTS-SP1)", "22.03")]
    [InlineData("alinux", "2.1903", "2")]
    [InlineData("kylin", "V10", "V10")]
    [InlineData("photon", "4.0", "4.0")]
    [InlineData("gentoo", "2.15", "2.15")]
    [InlineData(null, "bookworm", "12")]
    [InlineData(null, "jammy", "22.04")]
    [InlineData(null, "12", "12")]
    [InlineData("debian", "", null)]
    [InlineData("debian", null, null)]
    [InlineData("debian", "../12", null)]
    [InlineData("debian", "1 2", null)]
    public void AVersionHasOneName(string? distro, string? written, string? canonical) =>
        Assert.Equal(canonical, KernelNames.Version(distro, written));

    [Theory]
    [InlineData("x86_64")]
    [InlineData("2018.03")]
    [InlineData("15.4")]
    [InlineData("V10")]
    public void WhatIsCanonicalStays(string name)
    {
        Assert.Equal(KernelNames.Arch(name), KernelNames.Arch(KernelNames.Arch(name)));
        foreach (var distro in new[] { "amzn", "sles", "kylin", "debian", "rhel", null })
            Assert.Equal(KernelNames.Version(distro, name), KernelNames.Version(distro, KernelNames.Version(distro, name)));
    }

    [Fact]
    public void AKeyIsMadeOfWhatAClientSends() =>
        Assert.Equal(
            new KernelKey("rhel", "8", "arm64", "4.18.0-305.el8.aarch64"),
            KernelNames.Key("%22redhat%22", "\"8.4\"", "aarch64", "4.18.0-305.el8.aarch64"));

    [Theory]
    [InlineData("debian", "12", "x86_64", "../../etc/passwd")]
    [InlineData("debian", "12", "x86_64", "")]
    [InlineData("debian", "", "x86_64", "6.1")]
    [InlineData("..", "12", "x86_64", "6.1")]
    public void AnUnsafeOrEmptyNameMakesNoKey(string distro, string version, string arch, string uname) =>
        Assert.Null(KernelNames.Key(distro, version, arch, uname));

    [Fact]
    public void AnyTextIsTaken()
    {
        var random = new Random(1);
        for (var i = 0; i < 2000; i++)
        {
            var text = new string([.. Enumerable.Range(0, random.Next(300)).Select(_ => (char)random.Next(random.Next(2) == 0 ? 128 : 65536))]);
            foreach (var name in new[] { KernelNames.Distro(text), KernelNames.Arch(text), KernelNames.Version(text, text), KernelNames.Version("amzn", text), KernelNames.Uname(text), UnameText.Parse(text)?.Release })
                Assert.True(name is null || SafeSegment.IsSafe(name));
            Assert.True(OsRelease.Parse(text) is not { } release || (release.Distro ?? "a").Length > 0 || release.Version is null);
        }
    }
}
