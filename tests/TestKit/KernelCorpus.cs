using System.Text.RegularExpressions;

namespace TestKit;

/// <summary>Real Debian kernels: packages and the images in them, kept in the cache. The images are unpacked by dpkg-deb.</summary>
public sealed class KernelCorpus
{
    private readonly Lazy<DebianPackage> _package;
    private readonly Lazy<string> _path;
    private readonly Lazy<string> _vmlinux;

    private KernelCorpus(string name, string arch, string pattern, params string[] suites)
    {
        _package = new(() => DebianPackage.Newest(arch, pattern, suites));
        _path = new(() => _package.Value.Download(name));
        _vmlinux = new(() => { var package = PackagePath; return TestCache.Locked(() => Unpack(package)); });
    }

    /// <summary>DWARF 5, ships its own BTF.</summary>
    public static KernelCorpus BookwormCloudAmd64 { get; } = new("bookworm-cloud-amd64", "amd64", @"linux-image-6\.1\.0-\d+-cloud-amd64-dbg", "bookworm", "bookworm-security");

    /// <summary>Big-endian, and without BTF of its own.</summary>
    public static KernelCorpus BookwormS390x { get; } = new("bookworm-s390x", "s390x", @"linux-image-6\.1\.0-\d+-s390x-dbg", "bookworm");

    public static KernelCorpus BookwormCloudArm64 { get; } = new("bookworm-cloud-arm64", "arm64", @"linux-image-6\.1\.0-\d+-cloud-arm64-dbg", "bookworm", "bookworm-security");

    /// <summary>DWARF 4.</summary>
    public static KernelCorpus BullseyeCloudAmd64 { get; } = new("bullseye-cloud-amd64", "amd64", @"linux-image-5\.10\.0-\d+-cloud-amd64-dbg", "bullseye");

    public static KernelCorpus TrixieCloudAmd64 { get; } = new("trixie-cloud-amd64", "amd64", @"linux-image-6\.12\.\d+\+deb13-cloud-amd64-dbg", "trixie");

    public static KernelCorpus BookwormS390xImage { get; } = new("bookworm-s390x-image", "s390x", @"linux-image-6\.1\.0-\d+-s390x", "bookworm");

    /// <summary>The bootable package of a big-endian kernel that ships BTF.</summary>
    public static KernelCorpus TrixieS390xImage { get; } = new("trixie-s390x-image", "s390x", @"linux-image-6\.12\.\d+\+deb13-s390x", "trixie");

    public static KernelCorpus TrixieCloudArm64Image { get; } = new("trixie-cloud-arm64-image", "arm64", @"linux-image-6\.12\.\d+\+deb13-cloud-arm64", "trixie");

    /// <summary>An EFI zboot image; since forky a package has the kernel alone.</summary>
    public static KernelCorpus SidLoong64Binary { get; } = new("sid-loong64-binary", "loong64", @"linux-binary-[\d.]+\+deb\d+-loong64", "sid");

    public static KernelCorpus SidCloudArm64Binary { get; } = new("sid-cloud-arm64-binary", "arm64", @"linux-binary-[\d.]+\+deb\d+-cloud-arm64", "sid");

    public static KernelCorpus SidCloudArm64Modules { get; } = new("sid-cloud-arm64-modules", "arm64", @"linux-modules-[\d.]+\+deb\d+-cloud-arm64", "sid");

    /// <summary>The bootable package (vmlinuz and modules) of a uname.</summary>
    public static KernelCorpus Image(string uname, string arch = "amd64") => new(
        $"image-{uname}", arch, Regex.Escape($"linux-image-{uname}"), "bookworm", "bookworm-security", "bookworm-backports", "trixie", "trixie-security");

    public string Uname => _package.Value.Name["linux-image-".Length..].Replace("-dbg", "", StringComparison.Ordinal);

    public string PackageVersion => _package.Value.Version;

    public string PackageSha256 => _package.Value.Sha256;

    public string PackagePath => _path.Value;

    public string VmlinuxPath => _vmlinux.Value;

    private static string Unpack(string package)
    {
        var path = Path.Combine(Path.GetDirectoryName(package)!, "vmlinux");
        if (File.Exists(path))
            return path;
        // tar stops at the end of the image; what feeds it is cut off then, which is no failure.
        Tool.Run("bash", "-c", $"dpkg-deb --fsys-tarfile '{package}' 2>/dev/null | tar -xO --occurrence=1 --wildcards './usr/lib/debug/boot/vmlinux-*' > '{path}.tmp'; test -s '{path}.tmp'");
        File.Move(path + ".tmp", path);
        return path;
    }
}
