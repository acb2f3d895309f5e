using Archive.Store.Kernels;

namespace Archive.Store.Tests.Kernels;

public sealed class OsReleaseTests
{
    [Theory]
    [InlineData("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\nVERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n", "debian", "12")]
    [InlineData("PRETTY_NAME=\"Debian GNU/Linux trixie/sid\"\nNAME=\"Debian GNU/Linux\"\nVERSION_CODENAME=trixie\nID=debian\n", "debian", "13")]
    [InlineData("NAME=\"Ubuntu\"\nVERSION=\"20.04.6 LTS (Focal Fossa)\"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"20.04\"\nVERSION_CODENAME=focal\nUBUNTU_CODENAME=focal\n", "ubuntu", "20.04")]
    [InlineData("NAME=\"CentOS Linux\"\nVERSION=\"7 (Core)\"\nID=\"centos\"\nID_LIKE=\"rhel fedora\"\nVERSION_ID=\"7\"\n", "centos", "7")]
    [InlineData("NAME=\"Red Hat Enterprise Linux\"\r\nID=\"rhel\"\r\nVERSION_ID=\"8.4\"\r\n", "rhel", "8")]
    [InlineData("NAME=\"Oracle Linux Server\"\nID=\"ol\"\nVERSION_ID=\"9.1\"\n", "ol", "9")]
    [InlineData("NAME=\"Rocky Linux\"\nID=\"rocky\"\nVERSION_ID=\"9.3\"\n", "rocky", "9")]
    [InlineData("NAME=\"Amazon Linux AMI\"\nVERSION=\"2018.03\"\nID=\"amzn\"\nVERSION_ID=\"2018.03\"\n", "amzn", "2018.03")]
    [InlineData("NAME=\"Amazon Linux\"\nID=\"amzn\"\nVERSION_ID=\"2023\"\n", "amzn", "2023")]
    [InlineData("NAME=\"SLES\"\nVERSION=\"15-SP4\"\nVERSION_ID=\"15.4\"\nID=\"sles\"\n", "sles", "15.4")]
    [InlineData("NAME=\"openSUSE Leap\"\nID=\"opensuse-leap\"\nVERSION_ID=\"15.5\"\n", "opensuse-leap", "15.5")]
    [InlineData("NAME=\"Fedora Linux\"\nID=fedora\nVERSION_ID=38\n", "fedora", "38")]
    [InlineData("NAME=\"openEuler\"\nID=\"openEuler\"\nVERSION_ID=\"22.03\"\n", "openEuler", "22.03")]
    [InlineData("NAME=\"Kylin Linux Advanced Server\"\nID=\"kylin\"\nVERSION_ID=\"V10\"\n", "kylin", "V10")]
    [InlineData("NAME='Arch Linux'\nID='arch'\n", "arch", null)]
    [InlineData("# a comment\n\nID=de\\bian\nVERSION_ID=12", "debian", "12")]
    [InlineData("ID=fedora\nID=debian\nVERSION_ID=12", "debian", "12")]
    public void AHostTellsDistroAndVersion(string text, string distro, string? version)
    {
        var release = OsRelease.Parse(text)!;
        Assert.Equal(distro, release.Distro);
        Assert.Equal(version, release.Version);
    }

    [Theory]
    [InlineData("")]
    [InlineData("ID=")]
    [InlineData("ID=\"\"")]
    [InlineData("NAME=Debian")]
    [InlineData("6.1.0-56-cloud-amd64")]
    [InlineData("=x")]
    public void ATextWithoutIdIsNone(string text) => Assert.Null(OsRelease.Parse(text));
}
