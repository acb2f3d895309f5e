using System.Globalization;
using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace TestKit;

/// <summary>
/// A package of the Debian mirror in the host's apt configuration. Nothing here is product code: packages are found by text
/// and fetched by curl.
/// </summary>
/// <param name="Sha256">What the index says.</param>
public sealed partial record DebianPackage(string Name, string Version, string Url, string Sha256)
{
    /// <summary>Packages that tests take; the indexes are cut down to them.</summary>
    private const string Wanted = "^Package: (linux-(image|binary|modules|source)-|libbpf-tools\\n)";

    /// <summary>The newest of the packages whose names match a pattern.</summary>
    public static DebianPackage Newest(string arch, string pattern, params string[] suites) => TestCache.Locked(() =>
    {
        var found = suites.SelectMany(suite => Paragraphs(suite, arch, pattern).Select(p => Parse(suite, p))).ToList();
        found.Sort((a, b) => Tool.Try("dpkg", ["--compare-versions", a.Version, "gt", b.Version]).Status == 0 ? -1 : 1);
        return found.Count > 0 ? found[0] : throw new InvalidOperationException($"no package {pattern} of {arch} in {string.Join(", ", suites)}");
    });

    /// <summary>Its file, from a folder of the cache where nothing else is kept.</summary>
    public string Download(string name) => TestCache.Locked(() =>
    {
        var path = Path.Combine(TestCache.Folder(name), Path.GetFileName(Url));
        if (File.Exists(path))
            return path;
        Directory.Delete(TestCache.Folder(name), recursive: true);
        Fetch(Path.Combine(TestCache.Folder(name), Path.GetFileName(Url) + ".tmp"));
        File.Move(path + ".tmp", path);
        return path;
    });

    private void Fetch(string path)
    {
        Tool.Run("curl", "-sfL", "--retry", "3", Url, "-o", path);
        using var stream = File.OpenRead(path);
        var digest = Convert.ToHexStringLower(SHA256.HashData(stream));
        if (digest != Sha256)
            throw new InvalidOperationException($"{Url} has SHA-256 {digest}, its index says {Sha256}");
    }

    private static DebianPackage Parse(string suite, string paragraph)
    {
        var fields = Field().Matches(paragraph).ToDictionary(m => m.Groups["name"].Value, m => m.Groups["value"].Value);
        return new DebianPackage(fields["Package"], fields["Version"], Mirror(suite) + fields["Filename"], fields["SHA256"]);
    }

    /// <summary>Paragraphs of the packages that the pattern matches, from an index of today.</summary>
    private static IEnumerable<string> Paragraphs(string suite, string arch, string pattern)
    {
        var stamp = DateTime.UtcNow.ToString("yyyyMMdd", CultureInfo.InvariantCulture);
        var file = Path.Combine(TestCache.Folder("package-indexes"), $"{stamp}-{suite}-{arch}");
        if (!File.Exists(file))
        {
            foreach (var old in Directory.EnumerateFiles(Path.GetDirectoryName(file)!).Where(f => !Path.GetFileName(f).StartsWith(stamp, StringComparison.Ordinal)))
                File.Delete(old);
            Tool.Shell($"curl -sfL --retry 3 '{Mirror(suite)}dists/{suite}/main/binary-{arch}/Packages.xz' -o '{file}.xz'; xz -dc '{file}.xz' | awk 'BEGIN{{RS=\"\"}} /{Wanted}/{{print $0 \"\\n\"}}' > '{file}.tmp'; mv '{file}.tmp' '{file}'; rm '{file}.xz'");
        }
        var wanted = new Regex($"^Package: {pattern}$", RegexOptions.Multiline);
        return File.ReadAllText(file).Split("\n\n").Where(p => wanted.IsMatch(p));
    }

    /// <summary>Base URL of the mirror that the host uses, of the security archive for its suites.</summary>
    public static string Mirror(string suite)
    {
        var isSecurity = suite.EndsWith("-security", StringComparison.Ordinal);
        var files = Directory.EnumerateFiles("/etc/apt", "*", SearchOption.AllDirectories)
            .Where(f => f.EndsWith(".list", StringComparison.Ordinal) || f.EndsWith(".sources", StringComparison.Ordinal));
        var urls = files.SelectMany(File.ReadLines).Where(l => !l.StartsWith('#')).SelectMany(l => BaseUrl().Matches(l).Select(m => m.Value.TrimEnd('/') + "/"));
        return urls.FirstOrDefault(u => u.Contains("/debian-security/", StringComparison.Ordinal) == isSecurity && u.Contains("/debian", StringComparison.Ordinal))
            ?? (isSecurity ? "http://security.debian.org/debian-security/" : "http://ftp.debian.org/debian/");
    }

    [GeneratedRegex(@"^(?<name>Package|Version|Filename|SHA256): (?<value>.+)$", RegexOptions.Multiline)]
    private static partial Regex Field();

    [GeneratedRegex(@"https?://[^\s]+")]
    private static partial Regex BaseUrl();
}
