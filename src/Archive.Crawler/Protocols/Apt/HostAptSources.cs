namespace Archive.Crawler.Protocols.Apt;

/// <summary>One repository of the host's apt configuration: a base URL with one suite.</summary>
/// <param name="SignedBy">Path of the keyring the entry demands; null for apt's own.</param>
public sealed record AptEntry(Uri Mirror, string Suite, IReadOnlyList<string> Components, string? SignedBy);

/// <summary>
/// The host's own apt configuration, in both formats of sources.list(5): one line an entry, and deb822. It says which mirror
/// this machine is meant to use.
/// </summary>
public static class HostAptSources
{
    /// <summary>All enabled binary repositories over HTTP(S), in the order of the files. Files that cannot be read are passed over, as are entries that are wrong.</summary>
    public static IReadOnlyList<AptEntry> Read(string etcApt = "/etc/apt")
    {
        var entries = new List<AptEntry>();
        var list = Path.Combine(etcApt, "sources.list");
        if (File.Exists(list))
            entries.AddRange(ParseLines(File.ReadLines(list)));
        var parts = Path.Combine(etcApt, "sources.list.d");
        if (!Directory.Exists(parts))
            return entries;
        foreach (var file in Directory.EnumerateFiles(parts).Order(StringComparer.Ordinal))
        {
            if (file.EndsWith(".list", StringComparison.Ordinal))
                entries.AddRange(ParseLines(File.ReadLines(file)));
            else if (file.EndsWith(".sources", StringComparison.Ordinal))
                entries.AddRange(ParseDeb822(file));
        }
        return entries;
    }

    /// <summary><c>deb [option=value …] URI SUITE COMPONENT…</c></summary>
    public static IEnumerable<AptEntry> ParseLines(IEnumerable<string> lines)
    {
        foreach (var line in lines)
        {
            var text = line.Split('#')[0].Trim();
            if (!text.StartsWith("deb ", StringComparison.Ordinal) && !text.StartsWith("deb\t", StringComparison.Ordinal))
                continue;
            var rest = text[4..].Trim();
            string? signedBy = null;
            if (rest.StartsWith('[') && rest.IndexOf(']', StringComparison.Ordinal) is > 0 and var end)
            {
                signedBy = OptionOf(rest[1..end], "signed-by");
                rest = rest[(end + 1)..].Trim();
            }
            var words = rest.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length >= 2 && Mirror(words[0]) is { } mirror)
                yield return new AptEntry(mirror, words[1], words[2..], signedBy);
        }
    }

    private static string? OptionOf(string options, string name) => options
        .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
        .Select(o => o.Split('=', 2))
        .FirstOrDefault(o => o.Length == 2 && o[0].Equals(name, StringComparison.OrdinalIgnoreCase))?[1];

    private static List<AptEntry> ParseDeb822(string file)
    {
        var entries = new List<AptEntry>();
        try
        {
            using var reader = new StreamReader(file);
            foreach (var paragraph in Deb822.Read(reader, file))
                entries.AddRange(ParseParagraph(paragraph));
        }
        catch (AptFormatException)
        {
            // apt itself would complain of this file; what stands before the mistake is good.
        }
        return entries;
    }

    public static IEnumerable<AptEntry> ParseParagraph(IReadOnlyDictionary<string, string> paragraph)
    {
        if (!Words(paragraph, "Types").Contains("deb") || (paragraph.TryGetValue("Enabled", out var enabled) && enabled is "no" or "false"))
            yield break;
        var signedBy = paragraph.GetValueOrDefault("Signed-By");
        foreach (var uri in Words(paragraph, "URIs"))
        {
            if (Mirror(uri) is not { } mirror)
                continue;
            foreach (var suite in Words(paragraph, "Suites"))
                yield return new AptEntry(mirror, suite, Words(paragraph, "Components"), signedBy?.StartsWith('/') == true ? signedBy : null);
        }
    }

    private static string[] Words(IReadOnlyDictionary<string, string> paragraph, string field) =>
        paragraph.GetValueOrDefault(field, "").Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);

    private static Uri? Mirror(string text) =>
        Uri.TryCreate(text.TrimEnd('/') + "/", UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" ? uri : null;
}
