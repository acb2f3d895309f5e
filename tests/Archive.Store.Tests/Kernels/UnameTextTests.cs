using Archive.Store.Kernels;

namespace Archive.Store.Tests.Kernels;

public sealed class UnameTextTests
{
    private const string Rhel7 = "rhel 7, centos 7, rocky 7, almalinux 7, ol 7";
    private const string Rhel8 = "rhel 8, centos 8, rocky 8, almalinux 8, ol 8";
    private const string Rhel9 = "rhel 9, centos 9, rocky 9, almalinux 9, ol 9";

    [Theory]
    // Debian
    [InlineData("6.1.0-56-cloud-amd64", "x86_64", "debian 12")]
    [InlineData("6.1.0-13-amd64", "x86_64", "debian 12")]
    [InlineData("6.1.0-13-s390x", "s390x", "debian 12")]
    [InlineData("6.1.0-13-rt-arm64", "arm64", "debian 12")]
    [InlineData("6.1.0-13-armmp-lpae", "armhf", "debian 12")]
    [InlineData("6.1.0-13-686-pae", "i386", "debian 12")]
    [InlineData("6.1.0-13-powerpc64le", "ppc64le", "debian 12")]
    [InlineData("5.10.0-33-cloud-arm64", "arm64", "debian 11")]
    [InlineData("4.19.0-27-amd64", "x86_64", "debian 10")]
    [InlineData("4.9.0-19-amd64", "x86_64", "debian 9")]
    [InlineData("6.12.41+deb13-amd64", "x86_64", "debian 13")]
    [InlineData("6.12.41+deb13-cloud-arm64", "arm64", "debian 13")]
    [InlineData("6.12.41+deb13-arm64-16k", "arm64", "debian 13")]
    [InlineData("6.12.30+bpo-amd64", "x86_64", "debian")]
    [InlineData("6.1.0-0.deb11.22-cloud-amd64", "x86_64", "debian 11")]
    [InlineData("5.10.0-0.deb10.30-amd64", "x86_64", "debian 10")]
    [InlineData("5.10.0-0.bpo.15-amd64", "x86_64", "debian")]
    [InlineData("6.17.8+deb14-amd64", "x86_64", "debian 14")]
    [InlineData("6.10.11-amd64", "x86_64", "debian")]
    [InlineData("6.12.38-riscv64", "riscv64", "debian")]
    // Ubuntu
    [InlineData("4.4.0-210-generic", null, "ubuntu 16.04")]
    [InlineData("4.15.0-213-generic", null, "ubuntu 18.04, ubuntu 16.04")]
    [InlineData("5.4.0-80-generic", null, "ubuntu 20.04, ubuntu 18.04")]
    [InlineData("5.4.0-1103-aws", null, "ubuntu 20.04, ubuntu 18.04")]
    [InlineData("5.15.0-1030-azure", null, "ubuntu 22.04, ubuntu 20.04")]
    [InlineData("5.15.0-91-lowlatency", null, "ubuntu 22.04, ubuntu 20.04")]
    [InlineData("5.15.0-91-generic-64k", null, "ubuntu 22.04, ubuntu 20.04")]
    [InlineData("6.8.0-45-generic", null, "ubuntu 24.04, ubuntu 22.04")]
    [InlineData("6.5.0-1014-gcp", null, "ubuntu")]
    [InlineData("5.11.0-1022-raspi", null, "ubuntu")]
    [InlineData("5.14.0-1059-oem", null, "ubuntu")]
    // RHEL and its rebuilds
    [InlineData("2.6.32-754.el6.x86_64", "x86_64", "rhel 6, centos 6, rocky 6, almalinux 6, ol 6")]
    [InlineData("3.10.0-1160.el7.x86_64", "x86_64", Rhel7)]
    [InlineData("3.10.0-1160.119.1.el7.x86_64", "x86_64", Rhel7)]
    [InlineData("3.10.0-1160.el7.x86_64.debug", "x86_64", Rhel7)]
    [InlineData("4.18.0-147.0.3.el7.aarch64", "arm64", Rhel7)]
    [InlineData("3.10.0-1160.25.1.el7.centos.plus.x86_64", "x86_64", "centos 7")]
    [InlineData("4.18.0-305.el8.x86_64", "x86_64", Rhel8)]
    [InlineData("4.18.0-305.3.1.el8_4.x86_64", "x86_64", Rhel8)]
    [InlineData("4.18.0-553.16.1.el8_10.s390x", "s390x", Rhel8)]
    [InlineData("4.18.0-553.el8.ppc64le", "ppc64le", Rhel8)]
    [InlineData("4.18.0-305.el8.x86_64+debug", "x86_64", Rhel8)]
    [InlineData("5.14.0-362.8.1.el9_3.x86_64", "x86_64", Rhel9)]
    [InlineData("5.14.0-427.el9.aarch64+64k", "arm64", Rhel9)]
    [InlineData("5.14.0-427.13.1.rt14.298.el9_4.x86_64", "x86_64", Rhel9)]
    [InlineData("6.12.0-55.9.1.el10_0.x86_64", "x86_64", "rhel 10, centos 10, rocky 10, almalinux 10, ol 10")]
    // Oracle
    [InlineData("4.14.35-2047.501.2.el7uek.x86_64", "x86_64", "ol 7")]
    [InlineData("5.4.17-2136.300.7.el8uek.aarch64", "arm64", "ol 8")]
    [InlineData("5.15.0-3.60.5.1.el9uek.x86_64", "x86_64", "ol 9")]
    // Amazon
    [InlineData("4.14.26-46.32.amzn1.x86_64", "x86_64", "amzn 2018.03")]
    [InlineData("4.14.336-257.562.amzn2.x86_64", "x86_64", "amzn 2")]
    [InlineData("5.10.205-195.807.amzn2.aarch64", "arm64", "amzn 2")]
    [InlineData("6.1.61-85.141.amzn2023.x86_64", "x86_64", "amzn 2023")]
    // Fedora
    [InlineData("4.11.8-300.fc26.x86_64+debug", "x86_64", "fedora 26")]
    [InlineData("6.2.9-300.fc38.x86_64", "x86_64", "fedora 38")]
    [InlineData("6.11.4-301.fc41.aarch64", "arm64", "fedora 41")]
    [InlineData("5.17.5-300.fc36.s390x", "s390x", "fedora 36")]
    [InlineData("4.18.16-300.fc29.i686", "i386", "fedora 29")]
    [InlineData("4.18.16-300.fc29.armv7hl", "armhf", "fedora 29")]
    // SUSE
    [InlineData("4.12.14-lp150.12.82-default", null, "opensuse-leap 15.0")]
    [InlineData("4.12.14-lp151.28.91-default", null, "opensuse-leap 15.1")]
    [InlineData("5.3.18-lp152.106-default", null, "opensuse-leap 15.2")]
    [InlineData("5.3.18-150300.59.106-default", null, "sles 15.3, opensuse-leap 15.3")]
    [InlineData("5.14.21-150400.24.46-default", null, "sles 15.4, opensuse-leap 15.4")]
    [InlineData("5.14.21-150500.13.18-azure", null, "sles 15.5, opensuse-leap 15.5")]
    [InlineData("6.4.0-150600.23.7-default", null, "sles 15.6, opensuse-leap 15.6")]
    [InlineData("4.12.14-150000.150.92-default", null, "sles 15")]
    [InlineData("4.12.14-150100.197.114-default", null, "sles 15.1")]
    [InlineData("4.12.14-122.37-default", null, "sles 12.5")]
    [InlineData("4.12.14-95.68-default", null, "sles 12.4")]
    [InlineData("4.4.180-94.164-default", null, "sles 12.3")]
    [InlineData("5.3.18-57-default", null, "sles")]
    [InlineData("5.3.18-59.40-default", null, "sles 15.3")]
    [InlineData("5.3.18-24.107-default", null, "sles 15.2")]
    [InlineData("6.9.1-1-default", null, "opensuse-tumbleweed, sles")]
    // Others
    [InlineData("4.19.90-2003.4.0.0036.oe1.x86_64", "x86_64", "openEuler 20.03")]
    [InlineData("5.10.0-60.18.0.50.oe2203.aarch64", "arm64", "openEuler 22.03")]
    [InlineData("5.10.0-136.12.0.86.oe2203sp1.x86_64", "x86_64", "openEuler 22.03")]
    [InlineData("6.6.0-28.0.0.34.oe2403.x86_64", "x86_64", "openEuler 24.03")]
    [InlineData("4.19.91-26.an8.x86_64", "x86_64", "anolis 8")]
    [InlineData("5.10.134-13.an8.aarch64", "arm64", "anolis 8")]
    [InlineData("6.6.25-2.an23.x86_64", "x86_64", "anolis 23")]
    [InlineData("4.19.91-26.al7.x86_64", "x86_64", "alinux 2")]
    [InlineData("5.10.134-16.3.al8.x86_64", "x86_64", "alinux 3")]
    [InlineData("4.19.90-24.4.v2101.ky10.aarch64", "arm64", "kylin V10")]
    [InlineData("4.19.97-2.ph3", null, "photon 3.0")]
    [InlineData("6.1.10-9.ph5-esx", null, "photon 5.0")]
    [InlineData("5.15.131.1-2.cm2", null, "azurelinux 2.0")]
    [InlineData("6.6.57.1-1.azl3", null, "azurelinux 3.0")]
    [InlineData("6.1.66-flatcar", null, "")]
    [InlineData("6.6.87.2-microsoft-standard-WSL2", null, "")]
    [InlineData("6.5.9-arch2-1", null, "")]
    [InlineData("6.1.0-rpi7-rpi-v8", null, "")]
    [InlineData("6.17.0", null, "")]
    [InlineData("5.4.0-rc3+", null, "")]
    public void AReleaseTellsArchAndDistros(string release, string? arch, string hints)
    {
        var parsed = UnameText.Parse(release + "\n")!;
        Assert.Equal(release, parsed.Release);
        Assert.Equal(arch, parsed.Arch);
        Assert.Equal(hints, Show(parsed));
    }

    [Theory]
    // uname -a
    [InlineData("Linux web1 6.1.0-13-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1 (2023-09-29) x86_64 GNU/Linux", "6.1.0-13-amd64", "x86_64", "debian 12")]
    [InlineData("Linux b 5.10.0-0.bpo.15-amd64 #1 SMP Debian 5.10.120-1~bpo10+1 (2022-06-13) x86_64 GNU/Linux", "5.10.0-0.bpo.15-amd64", "x86_64", "debian 10")]
    [InlineData("Linux b 4.19.0-21-amd64 #1 SMP Debian 4.19.249-2+deb10u1 (2022-06-30) x86_64 GNU/Linux", "4.19.0-21-amd64", "x86_64", "debian 10")]
    [InlineData("Linux box 6.12.41+deb13-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.12.41-1 (2025-08-12) x86_64 GNU/Linux", "6.12.41+deb13-amd64", "x86_64", "debian 13")]
    [InlineData("Linux ip-10-0-0-5 5.4.0-80-generic #90-Ubuntu SMP Fri Jul 9 22:49:44 UTC 2021 x86_64 x86_64 x86_64 GNU/Linux", "5.4.0-80-generic", "x86_64", "ubuntu 20.04, ubuntu 18.04")]
    [InlineData("Linux h 5.4.0-80-generic #90~18.04.1-Ubuntu SMP Tue Jul 13 19:40:02 UTC 2021 aarch64 aarch64 aarch64 GNU/Linux", "5.4.0-80-generic", "arm64", "ubuntu 18.04")]
    [InlineData("Linux h 6.5.0-1014-gcp #14~22.04.1-Ubuntu SMP Sat Feb 10 04:57:00 UTC 2024 x86_64 x86_64 x86_64 GNU/Linux", "6.5.0-1014-gcp", "x86_64", "ubuntu 22.04")]
    [InlineData("Linux localhost.localdomain 3.10.0-1160.el7.x86_64 #1 SMP Mon Oct 19 16:18:59 UTC 2020 x86_64 x86_64 x86_64 GNU/Linux", "3.10.0-1160.el7.x86_64", "x86_64", Rhel7)]
    [InlineData("Linux ip-172-31-5-1.ec2.internal 6.1.61-85.141.amzn2023.aarch64 #1 SMP Wed Nov  8 00:38:50 UTC 2023 aarch64 aarch64 aarch64 GNU/Linux", "6.1.61-85.141.amzn2023.aarch64", "arm64", "amzn 2023")]
    [InlineData("Linux suse 5.14.21-150400.24.46-default #1 SMP PREEMPT_DYNAMIC Thu Feb 9 08:38:18 UTC 2023 (2d95137) x86_64 x86_64 x86_64 GNU/Linux", "5.14.21-150400.24.46-default", "x86_64", "sles 15.4, opensuse-leap 15.4")]
    [InlineData("Linux z 6.1.0-13-s390x #1 SMP Debian 6.1.55-1 (2023-09-29) s390x GNU/Linux", "6.1.0-13-s390x", "s390x", "debian 12")]
    [InlineData("Linux pi 5.10.0-8-armmp #1 SMP Debian 5.10.46-4 (2021-08-03) armv7l GNU/Linux", "5.10.0-8-armmp", "armhf", "debian 11")]
    [InlineData("Linux 10.0.0.5 4.15.0-213-generic #224-Ubuntu SMP Mon Jun 19 13:30:12 UTC 2023 x86_64 x86_64 x86_64 GNU/Linux", "4.15.0-213-generic", "x86_64", "ubuntu 18.04, ubuntu 16.04")]
    [InlineData("Linux arm64 6.17.0 #1 SMP Mon Nov 3 2025 x86_64 GNU/Linux", "6.17.0", "x86_64", "")]
    [InlineData("Linux Linux 6.17.0 #1 SMP x86_64 GNU/Linux", "6.17.0", "x86_64", "")]
    // uname -sr, -srm, -rv, -rm
    [InlineData("Linux 6.1.0-13-amd64", "6.1.0-13-amd64", "x86_64", "debian 12")]
    [InlineData("Linux 5.4.0-80-generic x86_64", "5.4.0-80-generic", "x86_64", "ubuntu 20.04, ubuntu 18.04")]
    [InlineData("5.4.0-80-generic #90~18.04.1-Ubuntu SMP Tue Jul 13 19:40:02 UTC 2021", "5.4.0-80-generic", null, "ubuntu 18.04")]
    [InlineData("6.17.0 aarch64", "6.17.0", "arm64", "")]
    [InlineData("5.4.0-80.el8.x86_64 aarch64", "5.4.0-80.el8.x86_64", "x86_64", Rhel8)]
    // /proc/version and dmesg
    [InlineData("Linux version 6.1.0-13-amd64 (debian-kernel@lists.debian.org) (gcc-12 (Debian 12.2.0-14) 12.2.0, GNU ld (GNU Binutils for Debian) 2.40) #1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1 (2023-09-29)", "6.1.0-13-amd64", "x86_64", "debian 12")]
    [InlineData("Linux version 6.12.41+deb13-s390x (debian-kernel@lists.debian.org) (s390x-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0, GNU ld (GNU Binutils for Debian) 2.44) #1 SMP Debian 6.12.41-1 (2025-08-12)", "6.12.41+deb13-s390x", "s390x", "debian 13")]
    [InlineData("Linux version 5.15.0-1030-aws (buildd@lcy02-amd64-027) (gcc (Ubuntu 9.4.0-1ubuntu1~20.04.1) 9.4.0, GNU ld (GNU Binutils for Ubuntu) 2.34) #34~20.04.1-Ubuntu SMP Tue Jan 24 15:16:46 UTC 2023", "5.15.0-1030-aws", null, "ubuntu 20.04")]
    [InlineData("Linux version 6.8.0-45-generic (buildd@lcy02-amd64-115) (x86_64-linux-gnu-gcc-13 (Ubuntu 13.2.0-23ubuntu4) 13.2.0, GNU ld (GNU Binutils for Ubuntu) 2.42) #45-Ubuntu SMP PREEMPT_DYNAMIC Fri Aug 30 12:02:04 UTC 2024", "6.8.0-45-generic", "x86_64", "ubuntu 24.04, ubuntu 22.04")]
    [InlineData("Linux version 6.8.0-45-generic (buildd@bos03-arm64-026) (aarch64-linux-gnu-gcc-12 (Ubuntu 12.3.0-1ubuntu1~22.04) 12.3.0, GNU ld (GNU Binutils for Ubuntu) 2.38) #45~22.04.1-Ubuntu SMP PREEMPT_DYNAMIC", "6.8.0-45-generic", "arm64", "ubuntu 22.04")]
    [InlineData("Linux version 3.10.0-1160.el7.x86_64 (mockbuild@kbuilder.bsys.centos.org) (gcc version 4.8.5 20150623 (Red Hat 4.8.5-44) (GCC) ) #1 SMP Mon Oct 19 16:18:59 UTC 2020", "3.10.0-1160.el7.x86_64", "x86_64", "centos 7")]
    [InlineData("Linux version 4.18.0-305.el8.x86_64 (mockbuild@x86-vm-07.build.eng.bos.redhat.com) (gcc version 8.4.1 20200928 (Red Hat 8.4.1-1) (GCC)) #1 SMP Thu Apr 29 08:54:30 EDT 2021", "4.18.0-305.el8.x86_64", "x86_64", "rhel 8")]
    [InlineData("Linux version 5.14.0-362.8.1.el9_3.x86_64 (mockbuild@iad1-prod-build001.bld.equ.rockylinux.org) (gcc (GCC) 11.4.1 20230605 (Red Hat 11.4.1-2), GNU ld version 2.35.2-42.el9) #1 SMP PREEMPT_DYNAMIC", "5.14.0-362.8.1.el9_3.x86_64", "x86_64", "rocky 9")]
    [InlineData("Linux version 4.18.0-553.el8_10.x86_64 (mockbuild@x64-builder02.almalinux.org) (gcc version 8.5.0 20210514 (Red Hat 8.5.0-22) (GCC)) #1 SMP Fri May 24 13:05:10 UTC 2024", "4.18.0-553.el8_10.x86_64", "x86_64", "almalinux 8")]
    [InlineData("Linux version 5.4.17-2136.300.7.el8uek.x86_64 (mockbuild@host-100-100-224-6) (gcc version 8.4.1) #2 SMP", "5.4.17-2136.300.7.el8uek.x86_64", "x86_64", "ol 8")]
    [InlineData("Linux version 6.2.9-300.fc38.x86_64 (mockbuild@38f30b3c0c69453fae61718fc43f33bc) (gcc (GCC) 13.0.1 20230318 (Red Hat 13.0.1-0), GNU ld version 2.39-9.fc38) #1 SMP PREEMPT_DYNAMIC", "6.2.9-300.fc38.x86_64", "x86_64", "fedora 38")]
    [InlineData("Linux version 5.14.21-150400.24.46-default (geeko@buildhost) (gcc (SUSE Linux) 7.5.0, GNU ld (GNU Binutils; SUSE Linux Enterprise 15) 2.39) #1 SMP", "5.14.21-150400.24.46-default", null, "sles 15.4, opensuse-leap 15.4")]
    [InlineData("[    0.000000] Linux version 5.10.0-33-cloud-amd64 (debian-kernel@lists.debian.org) (gcc-10 (Debian 10.2.1-6) 10.2.1 20210110) #1 SMP Debian 5.10.226-1 (2024-10-03)", "5.10.0-33-cloud-amd64", "x86_64", "debian 11")]
    [InlineData("$ uname -r\n6.1.0-13-amd64\n", "6.1.0-13-amd64", "x86_64", "debian 12")]
    [InlineData("%226.1.0-13-amd64%22", "6.1.0-13-amd64", "x86_64", "debian 12")]
    public void APastedTextTellsReleaseArchAndDistros(string text, string release, string? arch, string hints)
    {
        var parsed = UnameText.Parse(text)!;
        Assert.Equal(release, parsed.Release);
        Assert.Equal(arch, parsed.Arch);
        Assert.Equal(hints, Show(parsed));
    }

    [Theory]
    [InlineData("")]
    [InlineData("Linux")]
    [InlineData("hello world")]
    [InlineData("ID=debian\nVERSION_ID=\"12\"")]
    [InlineData("../../etc/passwd")]
    [InlineData("Linux host ../../etc #1")]
    [InlineData("6.1/../../x")]
    public void ATextWithoutReleaseIsNone(string text) => Assert.Null(UnameText.Parse(text));

    [Fact]
    public void EveryHintSaysWhichWordsItIsFrom() =>
        Assert.Equal(".fc38", Assert.Single(UnameText.Parse("6.2.9-300.fc38.x86_64")!.Hints).Reason);

    [Fact]
    public void AHugeTextIsReadInNoTime()
    {
        var started = System.Diagnostics.Stopwatch.StartNew();
        UnameText.Parse(string.Concat(Enumerable.Repeat("5.4.0-80-generic@a.a.a-ubuntu~", 400_000)));
        Assert.True(started.Elapsed < TimeSpan.FromSeconds(2), $"took {started.Elapsed}");
    }

    private static string Show(UnameText parsed) => string.Join(", ", parsed.Hints.Select(h => $"{h.Distro} {h.Version}".Trim()));
}
