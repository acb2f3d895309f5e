namespace Archive.Extractor.Packages;

/// <summary>
/// The published form of a kernel's BTF, <c>{uname}.btf.tar.xz</c>: one member <c>{uname}.btf</c> in exactly the
/// bytes of <c>tar -c --sort=name --owner=root:0 --group=root:0 --mode=a=r --mtime=@0</c>, compressed with xz.
/// The same BTF gives the same tarball, whatever the number of threads.
/// </summary>
public static class BtfTarball
{
    /// <summary>The kernel's own limit of a release (<c>__NEW_UTS_LEN</c>); it fits every tar header.</summary>
    public const int MaxUnameLength = 64;

    // Measured on the BTF of 6.1 cloud amd64 (4.1 MB), two cores: preset 6 gives 985 kB in 2.1 s, in blocks of 2 MiB
    // 991 kB in 1.4 s; preset 3 1,121 kB in 1.0 s. What is read for years is worth the second.
    private const int Preset = 6;
    private const int UsualBlockBytes = 2 << 20;

    /// <summary>GNU tar pads an archive to whole records of 20 blocks.</summary>
    private const int RecordBytes = 20 * TarHeader.Bytes;

    private const int MaxBtfBytes = 256 << 20;
    private const string Extension = ".btf";

    /// <summary>A distro's kernel has some 6,000, each with two members at most.</summary>
    private const int MaxModules = 1 << 16;

    /// <exception cref="ValidationException">The uname cannot be a member's name.</exception>
    public static byte[] Pack(string uname, ReadOnlySpan<byte> btf, int threads) =>
        Compress(Tar(uname, btf), threads);

    /// <summary>In blocks of one size, an even number of them if more than one: two processors then end at the same time.</summary>
    private static byte[] Compress(byte[] tar, int threads)
    {
        const int MostOfTwo = UsualBlockBytes * 5 / 2;
        var blocks = tar.Length <= UsualBlockBytes ? 1 : 2 * (1 + (tar.Length - 1) / MostOfTwo);
        return Codecs.EncodeXz(tar, Preset, (tar.Length + blocks - 1) / blocks, threads);
    }

    /// <summary>The first file in a tarball, of any codec, and its name there.</summary>
    /// <param name="tarball">Read from where it stands; not closed.</param>
    /// <exception cref="PackageFormatException">Not such a tarball, or its member exceeds 256 MiB.</exception>
    public static (string Name, byte[] Btf) Unpack(Stream tarball)
    {
        using var content = new MemoryStream(); // The size in the tarball is a claim: the buffer grows with what comes.
        return (Unpack(tarball, content), content.ToArray());
    }

    /// <summary>Writes the first file in a tarball, of any codec, to the target; its name.</summary>
    /// <inheritdoc cref="Unpack(Stream)"/>
    public static string Unpack(Stream tarball, Stream target)
    {
        using var decoder = Codecs.OpenDecoder(tarball, "tarball", DecoderOptions.Default);
        using var tar = new ExpansionGuard(decoder, ExtractionLimits.Default);
        var file = new TarFileReader(tar, decoder.Member, maxEntries: 16).Next()
            ?? throw new PackageFormatException(decoder.Member, 0, null, "has no file");
        if (file.Size > MaxBtfBytes)
            throw new PackageFormatException(file.Name, 0, (ulong)file.Size, $"is larger than {MaxBtfBytes} bytes");
        file.Content.CopyTo(target);
        return file.Name;
    }

    /// <summary>Split BTF of the modules in a tarball of <see cref="PackModules"/>, in their order; what is not wanted is passed over.</summary>
    /// <param name="tarball">Read from where it stands; not closed.</param>
    /// <exception cref="PackageFormatException">Not such a tarball, or a member exceeds 256 MiB.</exception>
    public static IEnumerable<(string Module, byte[] Btf)> UnpackModules(Stream tarball, Func<string, bool> isWanted)
    {
        using var decoder = Codecs.OpenDecoder(tarball, "modules", DecoderOptions.Default);
        using var tar = new ExpansionGuard(decoder, ExtractionLimits.Default);
        var files = new TarFileReader(tar, decoder.Member, MaxModules);
        while (files.Next() is { } file)
        {
            if (!file.Name.EndsWith(Extension, StringComparison.Ordinal) || !isWanted(file.Name[..^Extension.Length]))
                continue;
            if (file.Size > MaxBtfBytes)
                throw new PackageFormatException(file.Name, 0, (ulong)file.Size, $"is larger than {MaxBtfBytes} bytes");
            using var content = new MemoryStream();
            file.Content.CopyTo(content);
            yield return (file.Name[..^Extension.Length], content.ToArray());
        }
    }

    /// <summary>The modules' split BTF: a member <c>{module}.btf</c> each, in order of their names, and <c>{module}.btf.base</c> where it has a base of its own.</summary>
    public static byte[] PackModules(IEnumerable<ModuleBtf> modules, int threads)
    {
        var members = modules.OrderBy(m => m.Name, StringComparer.Ordinal).SelectMany(m => m.Base is null
            ? [(m.Name + Extension, m.Bytes)]
            : new[] { (m.Name + Extension, m.Bytes), (m.Name + Extension + ".base", m.Base) });
        return Compress(Tar([.. members]), threads);
    }

    internal static byte[] Tar(string uname, ReadOnlySpan<byte> btf)
    {
        CheckUname(uname);
        return Tar([(uname + Extension, btf.ToArray())]);
    }

    private static byte[] Tar(IReadOnlyList<(string Name, byte[] Bytes)> members)
    {
        var length = members.Sum(m => TarHeader.Bytes + PaddedLength(m.Bytes)) + (2 * TarHeader.Bytes);
        var tar = new byte[(length + RecordBytes - 1) / RecordBytes * RecordBytes];
        var at = 0;
        foreach (var (name, bytes) in members)
        {
            TarHeader.Write(tar.AsSpan(at, TarHeader.Bytes), name, bytes.Length);
            bytes.CopyTo(tar, at + TarHeader.Bytes);
            at += TarHeader.Bytes + PaddedLength(bytes);
        }
        return tar;
    }

    private static int PaddedLength(byte[] bytes) => bytes.Length + (-bytes.Length & (TarHeader.Bytes - 1));

    private static void CheckUname(string uname)
    {
        if (uname.Length is 0 or > MaxUnameLength)
            throw new ValidationException($"uname '{uname}' has {uname.Length} characters; a kernel's has 1 to {MaxUnameLength}");
        if (uname[0] == '.' || !uname.All(static c => c is > ' ' and < '\x7f' and not '/' and not '\\'))
            throw new ValidationException($"uname '{uname}' cannot be a file's name");
    }
}
