using TestKit;

namespace Archive.EndToEnd.Tests.Hosts;

/// <summary>A Debian on a disk, booted by a Debian kernel whose own BTF is hidden from all that runs, with the client's package in it.</summary>
internal sealed class GuestSystem : IDisposable
{
    private readonly TempFolder _folder = new();

    private string Disk => _folder.File("disk");

    /// <param name="uname">The kernel, of which the cache has the bootable package.</param>
    /// <param name="settings">Of the client.</param>
    public GuestSystem(string uname, params string[] settings)
    {
        Uname = uname;
        Tool.Run("cp", "--sparse=always", DebianRoot.Disk, Disk);
        Tool.Run("dpkg-deb", "-x", DebianPackages.Client, _folder.File("package"));
        Write("etc/default/btf-fetch", string.Join('\n', settings) + "\n");
        File.Copy(BpfLoader.ProgramPath, _folder.File("package/loader"));
        File.Copy(BpfObjectCorpus.OfBookworm("execsnoop").Path, _folder.File("package/execsnoop.o"));
    }

    public string Uname { get; }

    /// <summary>A URL of this machine as the guest reaches it.</summary>
    public static string FromGuest(string url) => url.Replace("127.0.0.1", "10.0.2.2", StringComparison.Ordinal);

    public void Write(string path, string text) => _folder.Write($"package/{path}", text);

    /// <param name="setUp">Run by busybox before the system starts, in its root.</param>
    /// <param name="init">The system's first program.</param>
    /// <returns>The console, until the guest is off or reset. A second boot finds the disk as the first one left it.</returns>
    public string Boot(string setUp, string init) => QemuGuest.Run(KernelCorpus.Image(Uname).PackagePath, $"""
        mkdir -p /root
        mount -t devtmpfs devtmpfs /dev
        mount -t ext4 /dev/vda /root || poweroff -f
        cp -a /files/. /root/
        cd /root
        mkdir -p usr/lib/debug/boot
        {setUp}
        cd /
        for name in proc sys dev; do mount --move /$name /root/$name; done
        mount -t tmpfs -o size=64k,mode=755 tmpfs /root/sys/kernel/btf
        exec switch_root /root {init}
        """, Files(), Disk);

    private Dictionary<string, string> Files() => Directory.EnumerateFiles(_folder.File("package"), "*", SearchOption.AllDirectories)
        .Where(path => !path.Contains("/usr/share/man/", StringComparison.Ordinal))
        .ToDictionary(path => "files/" + InRoot(Path.GetRelativePath(_folder.File("package"), path)));

    /// <summary>The root's /lib is a link, which dpkg knows and cp does not.</summary>
    private static string InRoot(string path) => path.StartsWith("lib/", StringComparison.Ordinal) ? "usr/" + path : path;

    public void Dispose() => _folder.Dispose();
}
