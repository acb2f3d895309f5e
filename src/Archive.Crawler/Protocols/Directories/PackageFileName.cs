using System.Text.RegularExpressions;
using Archive.Crawler.Sources;

namespace Archive.Crawler.Protocols.Directories;

/// <summary>What the name of a package's file says: <c>name-version-release.arch.rpm</c>, <c>name_version_arch.deb</c>.</summary>
public static partial class PackageFileName
{
    /// <summary>Null where the name is of no package.</summary>
    public static ListedPackage? Parse(string file)
    {
        if (Rpm().Match(file) is { Success: true } rpm)
        {
            var name = new PackageName(Text(rpm, "name"), Text(rpm, "version"), Text(rpm, "release"), Text(rpm, "arch"));
            return new ListedPackage(name, $"{name.Version}-{name.Release}", null, null);
        }
        if (Deb().Match(file) is not { Success: true } deb)
            return null;
        var version = Uri.UnescapeDataString(Text(deb, "version"));
        return new ListedPackage(new PackageName(Text(deb, "name"), version, "", Text(deb, "arch")), version, null, null);
    }

    private static string Text(Match match, string group) => match.Groups[group].Value;

    [GeneratedRegex(@"^(?<name>[^/]+)-(?<version>[^-/]+)-(?<release>[^-/]+)\.(?<arch>[a-z0-9_]+)\.rpm\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Rpm();

    [GeneratedRegex(@"^(?<name>[a-z0-9][a-z0-9.+-]+)_(?<version>[^_/]+)_(?<arch>[a-z0-9]+)\.d?deb\z", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Deb();
}
