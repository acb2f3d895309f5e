using System.Collections.Frozen;

namespace Archive.Store.Kernels;

/// <summary>
/// Canonical names of distros, versions and archs, and what clients call them instead. Total: a name that is not known passes
/// through in lower case where it is a safe path segment, and is null where it is not.
/// </summary>
public static class KernelNames
{
    /// <summary>os-release's ID by what others say.</summary>
    private static readonly FrozenDictionary<string, string> Distros = Table(
        ("rhel", "redhat red-hat redhatenterprise red-hat-enterprise-linux rhel-server"),
        ("ol", "oracle oraclelinux oracle-linux oracle-linux-server"),
        ("sles", "suse sle sled sles_sap suse-linux-enterprise-server"),
        ("amzn", "amazon amazonlinux amazon-linux al2 al2023"),
        ("opensuse-leap", "opensuse leap"),
        ("opensuse-tumbleweed", "tumbleweed"),
        ("almalinux", "alma alma-linux"),
        ("rocky", "rockylinux rocky-linux"),
        ("centos", "centos-linux centos-stream centosstream"),
        ("fedora", "fedora-linux fedora-linux-asahi-remix"),
        ("debian", "debian-gnu/linux"),
        ("openEuler", "open-euler"),
        ("anolis", "openanolis anolisos anolis-os"),
        ("alinux", "aliyun aliyunlinux alibaba alibaba-cloud-linux"),
        ("azurelinux", "mariner cbl-mariner azure-linux"),
        ("kylin", "kylinos kylin-server"),
        ("photon", "photonos vmware-photon-os"));

    /// <summary>What <c>uname -m</c>, Debian, rpm, Go and clients print, by the archive's name.</summary>
    private static readonly FrozenDictionary<string, string> Archs = Table(
        ("x86_64", "amd64 x64 x86 x86-64 em64t"),
        ("arm64", "aarch64 arm64v8 armv8 armv8l"), // armv8l: a 32-bit process on a 64-bit kernel.
        ("s390x", "s390"),
        ("ppc64le", "ppc64el powerpc64le"),
        ("riscv64", "riscv riscv64gc"),
        ("armhf", "armv7 armv7l armv7hl armv7hf arm armmp"),
        ("armel", "armv5tel armv6l"),
        ("i386", "i486 i586 i686 386 686 586 x86_32 ia32"));

    public static string? Distro(string? name)
    {
        var plain = Plain(name).Replace(' ', '-');
        return Distros.TryGetValue(plain, out var canonical) ? canonical : SafeOrNull(plain);
    }

    public static string? Arch(string? name)
    {
        var plain = Plain(name);
        return Archs.TryGetValue(plain, out var canonical) ? canonical : SafeOrNull(plain);
    }

    /// <summary>The version as the archive names it: a codename's number, and no more parts than the distro's kernels tell apart.</summary>
    /// <param name="distro">Any name of the distro; null where it is not known, which leaves codenames to say it.</param>
    public static string? Version(string? distro, string? version) =>
        SafeOrNull(VersionNames.Canonical(Distro(distro), Plain(version)));

    /// <summary>The uname without what clients wrap it in; case matters. Null where it is no safe path segment.</summary>
    public static string? Uname(string? uname) => SafeOrNull(Unquoted(uname));

    /// <summary>The version of the distro that builds kernels of this release, where the release tells it; null where not.</summary>
    /// <param name="distro">Canonical.</param>
    public static string? VersionOf(string distro, string release) =>
        DistroHints.Of(release, release).FirstOrDefault(h => h.Distro == distro && h.Version is not null)?.Version;

    /// <summary>The key of these names; null where one of them is empty or unsafe.</summary>
    public static KernelKey? Key(string? distro, string? version, string? arch, string? uname) =>
        (Distro(distro), Version(distro, version), Arch(arch), Uname(uname)) is ({ } d, { } v, { } a, { } u)
            ? new KernelKey(d, v, a, u)
            : null;

    private static string Plain(string? name) => Unquoted(name).ToLowerInvariant();

    /// <summary>Some clients send os-release's quotes along, even encoded (facts: kyanos).</summary>
    private static string Unquoted(string? name) => (name ?? "")
        .Replace("%22", "", StringComparison.Ordinal).Replace("%27", "", StringComparison.Ordinal)
        .Replace("\"", "", StringComparison.Ordinal).Replace("'", "", StringComparison.Ordinal).Trim();

    private static string? SafeOrNull(string name) => SafeSegment.IsSafe(name) ? name : null;

    private static FrozenDictionary<string, string> Table(params (string Canonical, string Aliases)[] rows) =>
        rows.SelectMany(row => row.Aliases.Split(' ').Append(row.Canonical), (row, alias) => (alias, row.Canonical))
            .ToFrozenDictionary(pair => pair.alias, pair => pair.Canonical, StringComparer.OrdinalIgnoreCase);
}
