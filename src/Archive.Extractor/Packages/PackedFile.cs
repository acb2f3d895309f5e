namespace Archive.Extractor.Packages;

/// <summary>A regular file in an archive, whose content is to be read before the next one is asked for.</summary>
/// <param name="Name">As the archive has it: a claim to be compared, never a path to be opened.</param>
public sealed record PackedFile(string Name, long Size, Stream Content)
{
    /// <summary>Of its content in the archive; 0 where the content is all there is.</summary>
    public long Offset { get; init; }
}

/// <summary>The regular files of an archive, one after the other; everything else in it is passed over.</summary>
public interface IPackedFiles
{
    /// <summary>Entries seen so far, of every kind.</summary>
    int Entries { get; }

    /// <summary>The next regular file; null at the end of the archive.</summary>
    /// <exception cref="PackageFormatException">The archive is malformed, ends too early or has too many entries.</exception>
    PackedFile? Next();
}
