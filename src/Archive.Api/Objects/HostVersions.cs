using System.Globalization;
using System.Text.RegularExpressions;

namespace Archive.Api.Objects;

/// <summary>
/// What hosts have as VERSION_ID in os-release where the archive has one version for several: minor releases of Enterprise Linux, which
/// their kernels name (<c>.el8_6</c>), service packs, Amazon's spellings.
/// </summary>
internal static partial class HostVersions
{
    private const int LastMinorOfEl = 10;

    /// <summary>The archive's version first.</summary>
    public static IEnumerable<string> Of(string distro, string version, string uname) => distro switch
    {
        "rhel" or "ol" or "rocky" or "almalinux" => MinorReleases(version, uname),
        "amzn" when version == "2018.03" => ["2018.03", "2018", "1"],
        "alinux" when version.Length == 1 => [version, $"{version}.{(version == "2" ? "1903" : "2104")}"],
        "debian" when version == "sid" => ["sid", ""],
        _ => [version],
    };

    /// <summary>A kernel says its minor release, or is the first one's, or Oracle's own of any: then all are written.</summary>
    private static IEnumerable<string> MinorReleases(string version, string uname)
    {
        var match = Minor().Match(uname);
        var minors = match.Success && match.Groups["minor"].Success
            ? [int.Parse(match.Groups["minor"].ValueSpan, CultureInfo.InvariantCulture)]
            : Enumerable.Range(0, LastMinorOfEl + 1);
        return minors.Select(minor => $"{version}.{minor}").Prepend(version);
    }

    [GeneratedRegex(@"\.el\d{1,2}(_(?<minor>\d{1,2}))?", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Minor();
}
