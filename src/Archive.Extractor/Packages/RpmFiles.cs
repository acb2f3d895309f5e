namespace Archive.Extractor.Packages;

/// <summary>A file as a package's header lists it.</summary>
/// <param name="ContentSize">Bytes in the payload: none for folders and devices, and for all but the last of hard-linked files.</param>
internal readonly record struct RpmFile(string Name, bool IsRegular, long ContentSize);

/// <summary>
/// The file list of a header, for payloads whose entries only say which file of the list they are ("stripped" cpio: packages with a
/// file of 4 GiB or more).
/// </summary>
internal static class RpmFiles
{
    private const ulong TypeMask = 0xf000, Regular = 0x8000, SymbolicLink = 0xa000;

    /// <exception cref="PackageFormatException">The lists do not fit each other.</exception>
    public static IReadOnlyList<RpmFile> Of(RpmHeader header)
    {
        var names = header.Texts(RpmTag.BaseNames);
        var folders = header.Texts(RpmTag.DirectoryNames);
        var folderOf = header.Numbers(RpmTag.DirectoryIndexes);
        var modes = header.Numbers(RpmTag.FileModes);
        var sizes = header.Has(RpmTag.LongFileSizes) ? header.Numbers(RpmTag.LongFileSizes) : header.Numbers(RpmTag.FileSizes);
        if (folderOf.Count != names.Count || modes.Count != names.Count || sizes.Count != names.Count)
            throw new PackageFormatException("header", 0, (ulong)names.Count, "has file lists of different lengths");
        var last = LastOfEachInode(header, names.Count);
        var files = new RpmFile[names.Count];
        for (var i = 0; i < files.Length; i++)
        {
            if (folderOf[i] >= (ulong)folders.Count || sizes[i] > TarHeader.MaxSize)
                throw new PackageFormatException("header", 0, folderOf[i], $"has no folder or size for {names[i]}");
            var type = modes[i] & TypeMask;
            var hasContent = type == SymbolicLink || type == Regular && (last is null || last[i]);
            files[i] = new RpmFile(folders[(int)folderOf[i]] + names[i], type == Regular, hasContent ? (long)sizes[i] : 0);
        }
        return files;
    }

    /// <summary>Hard-linked files have their content at the last of them (rpm: lib/rpmfi.c, rpmfilesFLinks).</summary>
    private static bool[]? LastOfEachInode(RpmHeader header, int count)
    {
        var (inodes, devices) = (header.Numbers(RpmTag.FileInodes), header.Numbers(RpmTag.FileDevices));
        if (inodes.Count != count || devices.Count != count)
            return null;
        var seen = new HashSet<(ulong, ulong)>();
        var last = new bool[count];
        for (var i = count - 1; i >= 0; i--)
            last[i] = seen.Add((devices[i], inodes[i]));
        return last;
    }
}
