namespace Archive.Extractor.Packages;

/// <summary>A Debian binary package (<c>deb(5)</c>), read once from its start: the files of its data member.</summary>
public sealed class DebPackage : IPackage
{
    private const int MaxMembers = 16;
    private readonly ExpansionGuard _data;

    private DebPackage(ArMember member, ExpansionGuard data, IPackedFiles files)
    {
        DataMember = member;
        _data = data;
        Files = files;
    }

    /// <summary>The compressed tar of the files.</summary>
    public ArMember DataMember { get; }

    public IPackedFiles Files { get; }

    /// <summary>Reads up to the beginning of <c>data.tar</c>. The source is not closed.</summary>
    /// <exception cref="PackageFormatException">Not a Debian package that we read.</exception>
    public static DebPackage Open(Stream source, ExtractionLimits limits, int threads)
    {
        var data = FindData(new ArReader(source, "package"));
        var decoder = Codecs.OpenDecoder(data.Content, data.Name, new DecoderOptions(threads, limits.MaxDecoderBytes));
        var guard = new ExpansionGuard(decoder, limits);
        return new DebPackage(data, guard, new TarFileReader(guard, data.Name, limits.MaxEntries));
    }

    public void Dispose() => _data.Dispose();

    private static ArMember FindData(ArReader archive)
    {
        CheckVersion(archive.Next());
        for (var i = 1; i < MaxMembers && archive.Next() is { } member; i++)
        {
            if (member.Name is "data.tar" || member.Name.StartsWith("data.tar.", StringComparison.Ordinal))
                return member;
        }

        throw new PackageFormatException("package", 0, null, "has no data.tar");
    }

    // Versions 2.x differ in ways that do not matter to a reader.
    private static void CheckVersion(ArMember? member)
    {
        if (member is not { Name: "debian-binary", Size: >= 2 and <= 64 })
            throw new PackageFormatException("package", 8, null, "does not begin with debian-binary");
        Span<byte> version = stackalloc byte[2];
        member.Content.ReadExactly(version);
        if (!version.SequenceEqual("2."u8))
            throw new PackageFormatException(member.Name, 0, version[0], "is not of format 2");
    }
}
