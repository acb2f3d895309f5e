using System.Buffers.Binary;

namespace TestKit;

/// <summary>
/// The BPF objects inside executables: a skeleton header holds the whole ELF file as bytes of the program, so it is cut out
/// from its magic to the end of whatever its section headers mention.
/// </summary>
internal static class EmbeddedObjects
{
    private const int HeaderSize = 64;
    private const ushort MachineBpf = 247;
    private const uint NoBits = 8;
    private static readonly byte[] Magic = [0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1];

    public static IEnumerable<BpfObjectFile> OfLibbpfTools(string suite, string arch)
    {
        var package = DebianPackage.Newest(arch, "libbpf-tools", suite);
        var file = package.Download($"libbpf-tools-{suite}-{arch}");
        var folder = TestCache.Made($"libbpf-tools-{suite}-{arch}-objects", package.Version, target => CutAll(file, target));
        return BpfObjectFile.In(folder, $"{suite}-{arch}");
    }

    private static void CutAll(string package, string target)
    {
        using var unpacked = new TempFolder();
        Tool.Run("dpkg-deb", "-x", package, unpacked.FullPath);
        foreach (var program in new DirectoryInfo(unpacked.File("usr/sbin")).EnumerateFiles().Where(f => f.LinkTarget is null))
        {
            var number = 0;
            foreach (var bytes in Cut(File.ReadAllBytes(program.FullName)))
                File.WriteAllBytes(Path.Combine(target, number++ == 0 ? $"{program.Name}.o" : $"{program.Name}.{number}.o"), bytes);
        }
    }

    private static IEnumerable<byte[]> Cut(byte[] program)
    {
        for (var at = 1; (at = program.AsSpan(at).IndexOf(Magic) is >= 0 and var distance ? at + distance : -1) > 0; at++)
        {
            if (SizeOf(program.AsSpan(at)) is > 0 and var size)
                yield return program[at..(at + size)];
        }
    }

    /// <summary>Bytes of the little-endian BPF object at the start of a span; 0 if there is none.</summary>
    private static int SizeOf(ReadOnlySpan<byte> elf)
    {
        if (elf.Length < HeaderSize || BinaryPrimitives.ReadUInt16LittleEndian(elf[18..]) != MachineBpf)
            return 0;
        var table = BinaryPrimitives.ReadInt64LittleEndian(elf[40..]);
        var (size, count) = (BinaryPrimitives.ReadUInt16LittleEndian(elf[58..]), BinaryPrimitives.ReadUInt16LittleEndian(elf[60..]));
        var end = table + size * count;
        for (var i = 0; i < count; i++)
        {
            var section = elf[(int)(table + i * size)..];
            if (BinaryPrimitives.ReadUInt32LittleEndian(section[4..]) != NoBits)
                end = Math.Max(end, BinaryPrimitives.ReadInt64LittleEndian(section[24..]) + BinaryPrimitives.ReadInt64LittleEndian(section[32..]));
        }
        return (int)end;
    }
}
