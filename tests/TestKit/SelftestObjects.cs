namespace TestKit;

/// <summary>
/// The BPF programs of Linux's selftests (<c>tools/testing/selftests/bpf/progs</c>), out of Debian's <c>linux-source-6.1</c>,
/// compiled as the kernel's Makefile does it, against the <c>vmlinux.h</c> of a real kernel. All of them compile with clang 16.
/// </summary>
public static class SelftestObjects
{
    private const string Selftests = "tools/testing/selftests/bpf";

    private static readonly Lazy<DebianPackage> Package = new(() => DebianPackage.Newest("amd64", @"linux-source-6\.1", "bookworm", "bookworm-security"));

    private static readonly Lazy<string> Tree = new(() =>
    {
        var archive = Package.Value.Download("linux-source-6.1");
        return TestCache.Made("linux-source-6.1-selftests", Package.Value.Version, target => Unpack(archive, target));
    });

    /// <summary>The root of the part of Linux's sources that is needed here, with <c>include/</c> made as its build would.</summary>
    public static string SourceTree => Tree.Value;

    /// <param name="target">clang's: <c>bpf</c> for all of them, <c>bpfeb</c> for CO-RE's own on a big-endian machine.</param>
    internal static IEnumerable<BpfObjectFile> Compile(string target)
    {
        var (tree, header) = (SourceTree, KernelHeader.Value);
        var sources = Directory.GetFiles(Path.Combine(tree, Selftests, "progs"), target == "bpf" ? "*.c" : "*core_reloc*.c");
        var key = $"{Package.Value.Version}-{Clang.Command}-{Path.GetFileName(Path.GetDirectoryName(header))}";
        var folder = TestCache.Made($"selftests-{target}", key, output => Parallel.ForEach(sources, ParallelLoop.Bounded,
            source => Tool.Run(Clang.Command, [.. Arguments(tree, header, target), source, "-o", Path.Combine(output, Path.GetFileNameWithoutExtension(source) + ".o")])));
        return BpfObjectFile.In(folder, target == "bpf" ? "selftests" : "selftests-big-endian");
    }

    /// <summary>vmlinux.h of a real kernel: a file in a folder that is called as the kernel.</summary>
    private static readonly Lazy<string> KernelHeader = new(() =>
    {
        var kernel = KernelCorpus.BookwormCloudAmd64;
        var vmlinux = kernel.VmlinuxPath;
        var folder = TestCache.Made("vmlinux-h", kernel.PackageVersion, target =>
            Tool.Shell($"bpftool btf dump file '{vmlinux}' format c > '{target}/vmlinux.h'"));
        return Path.Combine(folder, "vmlinux.h");
    });

    private static IEnumerable<string> Arguments(string tree, string header, string target) =>
    [
        "-g", "-O2", "-mcpu=v3", "-w", "-c", "-target", target, "-D__TARGET_ARCH_x86", "-DENABLE_ATOMICS_TESTS",
        $"-I{Path.GetDirectoryName(header)}", $"-I{tree}/include", $"-I{tree}/{Selftests}", $"-I{tree}/tools/include/uapi",
        "-idirafter", Tool.Run(Clang.Command, "-print-resource-dir").Trim() + "/include",
        "-idirafter", $"/usr/include/{Tool.Run("gcc", "-dumpmachine").Trim()}", "-idirafter", "/usr/include",
    ];

    private static void Unpack(string package, string target) => Tool.Shell($"""
        dpkg-deb --fsys-tarfile '{package}' | tar -xO --wildcards './usr/src/*.tar.xz' | xz -dc -T0 | tar -x -C '{target}' --strip-components=1 \
            --wildcards '*/{Selftests}' '*/tools/lib/bpf' '*/tools/include' '*/scripts/bpf_doc.py'
        mkdir -p '{target}/include/bpf'
        cp '{target}'/tools/lib/bpf/*.h '{target}/include/bpf'
        python3 '{target}/scripts/bpf_doc.py' --header --file '{target}/tools/include/uapi/linux/bpf.h' > '{target}/include/bpf/bpf_helper_defs.h'
        """);
}
