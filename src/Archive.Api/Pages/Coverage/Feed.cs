using System.Globalization;
using System.Xml.Linq;
using Archive.Api.Kernels;

namespace Archive.Api.Pages.Coverage;

/// <summary>Newly published kernels as an Atom feed (RFC 4287).</summary>
internal static class Feed
{
    private const int Entries = 50;
    private static readonly XNamespace Atom = "http://www.w3.org/2005/Atom";

    /// <param name="root">Scheme and host, without a slash at the end.</param>
    public static string Write(IReadOnlyList<RosterBuild> recent, string root)
    {
        var latest = recent.Count > 0 ? recent[0].PublishedAt!.Value : DateTimeOffset.UnixEpoch;
        var feed = new XElement(Atom + "feed",
            new XElement(Atom + "id", $"{root}/feed.atom"),
            new XElement(Atom + "title", "BTF Archive: newly published kernels"),
            new XElement(Atom + "updated", Time(latest)),
            new XElement(Atom + "author", new XElement(Atom + "name", "BTF Archive")),
            Link("self", $"{root}/feed.atom"),
            Link("alternate", $"{root}/recent"),
            recent.Take(Entries).Select(build => EntryOf(build, root)));
        return new XDeclaration("1.0", "utf-8", null) + "\n" + feed;
    }

    private static XElement EntryOf(RosterBuild build, string root) => new(Atom + "entry",
        new XElement(Atom + "id", $"{root}/v1/btf/{build.RawSha256}#{build.Sequence}"),
        new XElement(Atom + "title", $"{build.Key.Uname} ({build.Key.Distro} {build.Key.Version}, {build.Key.Arch})"),
        new XElement(Atom + "updated", Time(build.PublishedAt!.Value)),
        Link("alternate", root + Links.Kernel(build.Key)),
        new XElement(Atom + "summary", $"{build.Package} {build.PackageVersion}; BTF of {build.RawSize} bytes, from {(build.TakenFrom == "dwarf" ? "DWARF" : "the kernel's own section")}; SHA-256 {build.RawSha256}"));

    private static XElement Link(string relation, string address) => new(Atom + "link", new XAttribute("rel", relation), new XAttribute("href", address));

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
}
