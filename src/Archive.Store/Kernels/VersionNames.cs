using System.Collections.Frozen;

namespace Archive.Store.Kernels;

/// <summary>Versions of distros: codenames and spellings to os-release's VERSION_ID as the tree has it.</summary>
internal static class VersionNames
{
    private static readonly FrozenDictionary<string, string> DebianCodenames = new Dictionary<string, string>
    {
        ["jessie"] = "8",
        ["stretch"] = "9",
        ["buster"] = "10",
        ["bullseye"] = "11",
        ["bookworm"] = "12",
        ["trixie"] = "13",
        ["forky"] = "14",
        ["duke"] = "15",
        ["unstable"] = "sid",
    }.ToFrozenDictionary();

    private static readonly FrozenDictionary<string, string> UbuntuCodenames = new Dictionary<string, string>
    {
        ["trusty"] = "14.04",
        ["xenial"] = "16.04",
        ["bionic"] = "18.04",
        ["disco"] = "19.04",
        ["eoan"] = "19.10",
        ["focal"] = "20.04",
        ["groovy"] = "20.10",
        ["hirsute"] = "21.04",
        ["impish"] = "21.10",
        ["jammy"] = "22.04",
        ["kinetic"] = "22.10",
        ["lunar"] = "23.04",
        ["mantic"] = "23.10",
        ["noble"] = "24.04",
        ["oracular"] = "24.10",
        ["plucky"] = "25.04",
        ["questing"] = "25.10",
    }.ToFrozenDictionary();

    /// <param name="distro">Canonical, or null where it is not known.</param>
    /// <param name="version">In lower case, without quotes.</param>
    public static string Canonical(string? distro, string version) => distro switch
    {
        null => Codename(DebianCodenames, version) ?? Codename(UbuntuCodenames, version) ?? version,
        "debian" => Codename(DebianCodenames, version) ?? Parts(version, 1),
        "ubuntu" => Codename(UbuntuCodenames, version) ?? Parts(FirstWord(version), 2),
        "rhel" or "ol" or "rocky" or "almalinux" or "centos" => Parts(WithoutStream(version), 1),
        "fedora" => Parts(FirstWord(version), 1),
        "amzn" => Amazon(version),
        "sles" or "opensuse-leap" => ServicePack(version),
        "alinux" => Parts(version, 1),
        "openEuler" => FirstWord(version),
        "kylin" => version.StartsWith('v') ? "V" + version[1..] : version,
        _ => version,
    };

    /// <summary>The codename may carry a suite's suffix or alternative: <c>bookworm-backports</c>, <c>forky/sid</c>.</summary>
    private static string? Codename(FrozenDictionary<string, string> names, string version) =>
        names.TryGetValue(version.Split('-', '/', ' ')[0], out var number) ? number : null;

    /// <summary>Kernels of one distro version are the same for all its minor releases.</summary>
    private static string Parts(string version, int count) =>
        version.Length > 0 && char.IsAsciiDigit(version[0]) ? string.Join('.', version.Split('.').Take(count)) : version;

    private static string FirstWord(string version) => version.Split(' ')[0];

    private static string WithoutStream(string version) =>
        version.Replace("stream", "", StringComparison.Ordinal).Trim('-', ' ');

    /// <summary>Amazon Linux 1 was numbered by month up to 2018.03, and is 1 or 2018 to some; 2023 has dated minor releases.</summary>
    private static string Amazon(string version) => Parts(version, 1) switch
    {
        "1" => "2018.03",
        ['2', '0', '1', _] => "2018.03",
        var major => major,
    };

    /// <summary><c>15-SP4</c> and <c>15 SP4</c> are <c>15.4</c>.</summary>
    private static string ServicePack(string version) => version
        .Replace("-sp", ".", StringComparison.Ordinal).Replace(" sp", ".", StringComparison.Ordinal);
}
