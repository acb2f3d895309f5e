namespace Archive.Store.Kernels;

/// <summary>What os-release(5) says of a host, as far as a kernel is looked up by it.</summary>
/// <param name="Id">As written, such as <c>debian</c> or <c>rhel</c>.</param>
/// <param name="VersionId">As written; null on rolling releases and on Debian's testing and sid.</param>
/// <param name="Codename">VERSION_CODENAME, or Ubuntu's older name for it.</param>
public sealed record OsRelease(string Id, string? VersionId, string? Codename)
{
    /// <summary>Canonical distro; null where the ID is unsafe.</summary>
    public string? Distro => KernelNames.Distro(Id);

    /// <summary>Canonical version, from the codename where there is no number.</summary>
    public string? Version => KernelNames.Version(Id, VersionId ?? Codename);

    /// <summary>Reads the text of an os-release file; null where it has no ID.</summary>
    public static OsRelease? Parse(string text)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in text.Split('\n'))
        {
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
                values[line[..equals].Trim()] = Unquote(line[(equals + 1)..].Trim()); // As in a shell, the last one counts.
        }
        return Find(values, "ID") is { } id
            ? new OsRelease(id, Find(values, "VERSION_ID"), Find(values, "VERSION_CODENAME") ?? Find(values, "UBUNTU_CODENAME"))
            : null;
    }

    private static string? Find(Dictionary<string, string> values, string name) =>
        values.TryGetValue(name, out var value) && value.Length > 0 ? value : null;

    /// <summary>Values are shell words: plain, or in either kind of quotes; a backslash takes the next sign as it is.</summary>
    private static string Unquote(string value)
    {
        var isQuoted = value.Length >= 2 && value[0] is '"' or '\'' && value[^1] == value[0];
        var inner = isQuoted ? value[1..^1] : value;
        return inner.Replace("\\\\", "\0", StringComparison.Ordinal).Replace("\\", "", StringComparison.Ordinal).Replace('\0', '\\');
    }
}
