using System.Security.Cryptography;

namespace TestKit;

/// <summary>
/// Real BPF objects, made once and kept in the cache: what Debian's <c>libbpf-tools</c> of three releases and two
/// architectures load, and the kernel's own selftests, compiled in both byte orders.
/// </summary>
public static class BpfObjectCorpus
{
    private static readonly Lazy<IReadOnlyList<BpfObjectFile>> Tools = new(() => Distinct(
        from suite in (string[])["bookworm", "trixie", "sid"]
        from arch in (string[])["amd64", "arm64"]
        from file in EmbeddedObjects.OfLibbpfTools(suite, arch)
        select file));

    private static readonly Lazy<IReadOnlyList<BpfObjectFile>> Little = new(() => [.. SelftestObjects.Compile("bpf")]);
    private static readonly Lazy<IReadOnlyList<BpfObjectFile>> Big = new(() => [.. SelftestObjects.Compile("bpfeb")]);

    /// <summary>Some 310, every content once: compiled by clang 14 to 21, stripped by bpftool.</summary>
    public static IReadOnlyList<BpfObjectFile> LibbpfTools => Tools.Value;

    /// <summary>All selftests of Linux 6.1, some 500: two thirds without CO-RE relocations, those of CO-RE's own tests among the rest.</summary>
    public static IReadOnlyList<BpfObjectFile> Selftests => Little.Value;

    /// <summary>CO-RE's own selftests, for a big-endian machine.</summary>
    public static IReadOnlyList<BpfObjectFile> BigEndianSelftests => Big.Value;

    public static BpfObjectFile OfBookworm(string name) => LibbpfTools.First(file => file.Name == $"bookworm-amd64/{name}");

    private static BpfObjectFile[] Distinct(IEnumerable<BpfObjectFile> files) =>
        [.. files.DistinctBy(file => Convert.ToHexString(SHA256.HashData(file.Bytes())))];
}
