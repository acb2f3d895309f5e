using System.Collections.Frozen;
using Archive.Store.Kernels;

namespace Archive.Api.Objects;

/// <summary>How a bundle is laid out for those who look kernels up in it.</summary>
/// <param name="Name">Of the query parameter.</param>
/// <param name="PathsOf">The members under which a kernel's BTF is found, one for each spelling that hosts have.</param>
/// <param name="IsGzip">tar.gz rather than tar.</param>
/// <param name="IsTarball">Members are <c>.btf.tar.xz</c> rather than raw BTF.</param>
/// <param name="MaxPath">Longest member name in bytes: readers look at the header's name field alone.</param>
public sealed record BundleProfile(string Name, Func<KernelKey, IEnumerable<string>> PathsOf, bool IsGzip, bool IsTarball = false, int MaxPath = 100)
{
    /// <summary>Each different BTF once, under its digest, with an index of kernels.</summary>
    public const string Classes = "classes";

    private static readonly BundleProfile[] All =
    [
        // bpf-compatible and ecc of eunomia-bpf: https://github.com/eunomia-bpf/bpf-compatible
        new("bpf-compatible", key => Spelled(key, Machine).Select(path => $"./btfhub-archive/{path}.btf"), IsGzip: true),
        // libbpf-tools of bcc: libbpf-tools/btf_helpers.c
        new("bcc", key => Spelled(key, Machine).Concat(Unparsed(key)).Select(path => $"./{path}.btf"), IsGzip: true, MaxPath: 99),
        new("inspektor-gadget", key => Spelled(key, Machine).Select(path => $"{path}.btf"), IsGzip: true),
        new("inspektor-gadget-embedded", key => Spelled(key, Machine).Select(path => $"btfs/{GoArch(key.Arch)}/{path}.btf"), IsGzip: false),
        new("tracee", key => Spelled(key, Machine).Select(path => $"{path}.btf"), IsGzip: false),
        new("btfhub", key => Spelled(key, arch => arch).Select(path => $"{path}.btf.tar.xz"), IsGzip: false, IsTarball: true),
        new("datadog", key => Spelled(key, arch => arch).Select(path => $"btfs/{path}.btf.tar.xz"), IsGzip: false, IsTarball: true),
        new("gala-gopher", key => [$"{key.Uname}.btf"], IsGzip: false),
    ];

    private static readonly FrozenDictionary<string, BundleProfile> ByName = All.ToFrozenDictionary(profile => profile.Name, StringComparer.Ordinal);

    /// <summary>Distros whose os-release has their ID in quotes, which some readers keep.</summary>
    private static readonly FrozenSet<string> QuotedIds =
        new[] { "centos", "rhel", "ol", "rocky", "almalinux", "amzn", "sles", "opensuse-leap", "openEuler", "anolis", "alinux", "kylin" }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Names of all profiles.</summary>
    public static IEnumerable<string> Names => All.Select(profile => profile.Name).Append(Classes);

    public static BundleProfile? Find(string name) => ByName.GetValueOrDefault(name);

    /// <summary>The member names of a kernel that a header can hold.</summary>
    public IEnumerable<string> Members(KernelKey key) => PathsOf(key).Where(path => path.Length <= MaxPath);

    /// <summary>ID/VERSION_ID/arch/uname, for each VERSION_ID that hosts of the kernel may have.</summary>
    private static IEnumerable<string> Spelled(KernelKey key, Func<string, string> arch) => Spelled(key, key.Distro, arch);

    private static IEnumerable<string> Spelled(KernelKey key, string distro, Func<string, string> arch) =>
        HostVersions.Of(key.Distro, key.Version, key.Uname).Select(version => $"{distro}/{version}/{arch(key.Arch)}/{key.Uname}");

    /// <summary>bcc reads os-release by scanf: quotes around the ID stay, and a version without quotes is not seen.</summary>
    private static IEnumerable<string> Unparsed(KernelKey key) =>
        QuotedIds.Contains(key.Distro) ? Spelled(key, $"\"{key.Distro}\"", Machine)
        : key.Distro == "fedora" ? [$"fedora//{Machine(key.Arch)}/{key.Uname}"]
        : [];

    /// <summary>What <c>uname -m</c> says.</summary>
    private static string Machine(string arch) => arch switch
    {
        "arm64" => "aarch64",
        "armhf" => "armv7l",
        "i386" => "i686",
        _ => arch,
    };

    /// <summary>The folder that inspektor-gadget's build has for an arch.</summary>
    private static string GoArch(string arch) => arch == "x86_64" ? "x86" : arch;
}
