namespace Archive.Store.Blobs;

/// <summary>The files below a folder as keys in ordinal order, walking only where the prefix leads.</summary>
internal static class FolderListing
{
    public static IEnumerable<string> Keys(string root, string prefix) => Below(new DirectoryInfo(root), "", prefix);

    private static IEnumerable<string> Below(DirectoryInfo folder, string path, string prefix)
    {
        // A folder sorts as its name with the slash, as its keys do: "a-b" stands before "a/b".
        var entries = Entries(folder)
            .Select(entry => (Entry: entry, Key: path + entry.Name + (entry is DirectoryInfo ? "/" : "")))
            .OrderBy(e => e.Key, StringComparer.Ordinal);
        foreach (var (entry, key) in entries)
        {
            if (entry is DirectoryInfo inner)
            {
                if (!key.StartsWith(prefix, StringComparison.Ordinal) && !prefix.StartsWith(key, StringComparison.Ordinal))
                    continue;
                foreach (var found in Below(inner, key, prefix))
                    yield return found;
            }
            else if (key.StartsWith(prefix, StringComparison.Ordinal))
            {
                yield return key;
            }
        }
    }

    private static FileSystemInfo[] Entries(DirectoryInfo folder) =>
        folder.Exists ? [.. folder.EnumerateFileSystemInfos().Where(e => e.Name[0] != '.')] : [];
}
