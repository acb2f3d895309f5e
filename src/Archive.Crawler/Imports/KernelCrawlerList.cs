using System.Text.Json;
using System.Text.RegularExpressions;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Crawler.Imports;

/// <summary>
/// The lists of falcosecurity/kernel-crawler (<c>{arch}/list.json</c>): by distro, the kernels that it found headers of. They say nothing of
/// debug information, but that a kernel exists: a further denominator of coverage.
/// </summary>
public static partial class KernelCrawlerList
{
    public const string Source = "kernel-crawler";

    /// <summary>The version of a kernel that neither its name nor anything else tells.</summary>
    public const string UnknownVersion = "unknown";

    /// <summary>Distros by the list's names, with the version where that name tells it.</summary>
    private static readonly Dictionary<string, (string Distro, string? Version)> Distros = new(StringComparer.OrdinalIgnoreCase)
    {
        ["AlmaLinux"] = ("almalinux", null),
        ["AmazonLinux"] = ("amzn", "2018"),
        ["AmazonLinux2"] = ("amzn", "2"),
        ["AmazonLinux2022"] = ("amzn", "2022"),
        ["AmazonLinux2023"] = ("amzn", "2023"),
        ["CentOS"] = ("centos", null),
        ["Debian"] = ("debian", null),
        ["Fedora"] = ("fedora", null),
        ["OpenSUSE"] = ("opensuse-leap", null),
        ["Oracle6"] = ("ol", "6"),
        ["Oracle7"] = ("ol", "7"),
        ["Oracle8"] = ("ol", "8"),
        ["Oracle9"] = ("ol", "9"),
        ["PhotonOS"] = ("photon", null),
        ["Redhat"] = ("rhel", null),
        ["Redhat-container"] = ("rhel", null),
        ["RockyLinux"] = ("rocky", null),
        ["Ubuntu"] = ("ubuntu", null),
    };

    /// <summary>Kernels of the distros that we know, each once.</summary>
    /// <param name="arch">The list is of one alone.</param>
    /// <returns>And the list's distros that were left out: what they have is no distro's kernel package.</returns>
    /// <exception cref="CrawlImportException">It is no such list.</exception>
    public static (IReadOnlyList<ListedKernel> Kernels, IReadOnlyList<string> LeftOut) Parse(Stream json, string arch)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            var (kernels, leftOut) = (new List<ListedKernel>(), new List<string>());
            foreach (var distro in document.RootElement.EnumerateObject())
            {
                if (Distros.TryGetValue(distro.Name, out var known))
                    kernels.AddRange(distro.Value.EnumerateArray().SelectMany(e => Read(e, known.Distro, known.Version, arch, $"{distro.Name} {arch}")));
                else
                    leftOut.Add(distro.Name);
            }
            return ([.. kernels.DistinctBy(k => (k.Scope, k.Key, k.PackageVersion))], leftOut);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw new CrawlImportException($"this is no list of kernel-crawler: {e.Message}", e);
        }
    }

    private static IEnumerable<ListedKernel> Read(JsonElement entry, string distro, string? version, string arch, string scope)
    {
        var release = entry.GetProperty("kernelrelease").GetString()!;
        var headers = entry.TryGetProperty("headers", out var list) ? list.EnumerateArray().Select(h => h.GetString()!).ToList() : [];
        // Debian's entries state a package's version: their unames are in the names of the headers.
        var unames = distro != "debian" ? [release] : headers.Select(h => Headers().Match(h)).Where(m => m.Success).Select(m => m.Groups["uname"].Value).Distinct();
        foreach (var uname in unames)
        {
            if (KernelNames.Key(distro, version ?? KernelNames.VersionOf(distro, uname) ?? UnknownVersion, arch, uname) is { } key && Uri.TryCreate(headers.FirstOrDefault(), UriKind.Absolute, out var url))
                yield return new ListedKernel(scope, key, Source, release, "headers", 0, url);
        }
    }

    [GeneratedRegex(@"/linux-headers-(?<uname>[0-9]+\.[0-9]+\.[0-9]+[^/_]*)(?<!-common|-common-rt|-all)_[^/]*\.deb$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Headers();
}
