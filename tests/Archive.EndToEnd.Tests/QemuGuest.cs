using System.Text;
using TestKit;

namespace Archive.EndToEnd.Tests;

/// <summary>
/// A real Debian kernel booted in QEMU without KVM, with an initramfs of busybox and the modules of its network card. It
/// runs one shell script and powers off; what it prints on its console is the result.
/// </summary>
internal static class QemuGuest
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5), LimitOfSystem = TimeSpan.FromMinutes(15);

    /// <summary>Without the checks that compare one timer with another: on a busy machine an emulated one is late, and the kernel panics.</summary>
    private const string Parameters = "console=ttyS0 panic=-1 nokaslr quiet no_timer_check tsc=reliable";

    /// <summary>In the order in which they need each other.</summary>
    private static readonly string[] Modules =
        ["virtio_ring", "virtio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "failover", "net_failover", "virtio_net",
         "virtio_blk", "crc16", "crc32c_generic", "libcrc32c", "mbcache", "jbd2", "ext4"];

    /// <param name="imagePackage">linux-image-UNAME, with vmlinuz and modules.</param>
    /// <param name="script">Runs in busybox's shell; the host's loopback is 10.0.2.2.</param>
    /// <param name="files">More files: host paths by guest paths, without a leading slash.</param>
    /// <param name="disk">An image that is /dev/vda, and has what the guest wrote.</param>
    /// <returns>The console, up to the end: off or reset.</returns>
    public static string Run(string imagePackage, string script, IReadOnlyDictionary<string, string>? files = null, string? disk = null)
    {
        using var folder = new TempFolder();
        var package = folder.File("package");
        Tool.Run("dpkg-deb", "-x", imagePackage, package);
        var kernel = Directory.EnumerateFiles(Path.Combine(package, "boot"), "vmlinuz-*").Single();
        foreach (var (guest, host) in files ?? new Dictionary<string, string>())
            Place(folder.File($"root/{guest}"), host);
        var initramfs = BuildInitramfs(folder, package, script);
        string[] storage = disk is null ? [] : ["-drive", $"file={disk},format=raw,if=virtio,cache=unsafe"];
        return Boot(folder.File("console"), disk is null ? Limit : LimitOfSystem,
            [.. storage, "-no-reboot", "-accel", "tcg", "-cpu", "max", "-m", "1024", "-smp", "1", "-nographic", "-nodefaults",
             "-kernel", kernel, "-initrd", initramfs, "-append", Parameters,
             "-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0,romfile="]);
    }

    private static string Boot(string console, TimeSpan limit, string[] machine)
    {
        try
        {
            var result = Tool.Try("qemu-system-x86_64", [.. machine, "-serial", $"file:{console}"], limit);
            return File.ReadAllText(console) + result.Errors;
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException(File.ReadAllText(console), e);
        }
    }

    private static void Place(string target, string source)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(target)!);
        File.Copy(source, target);
    }

    private static string BuildInitramfs(TempFolder folder, string package, string script)
    {
        var root = folder.File("root");
        foreach (var name in (string[])["bin", "proc", "sys", "dev", "tmp", "modules"])
            Directory.CreateDirectory(Path.Combine(root, name));
        File.Copy("/bin/busybox", Path.Combine(root, "bin", "busybox"));
        var loads = new StringBuilder();
        foreach (var module in Modules)
        {
            // Some are built into some kernels.
            var file = Directory.EnumerateFiles(package, $"{module}.ko*", SearchOption.AllDirectories).FirstOrDefault();
            if (file is null)
                continue;
            var target = Path.Combine(root, "modules", Path.GetFileName(file));
            File.Copy(file, target);
            if (target.EndsWith(".xz", StringComparison.Ordinal))
                Tool.Run("xz", "-d", target);
            loads.Append($"insmod /modules/{module}.ko\n");
        }
        folder.Write("root/init", $"""
            #!/bin/busybox sh
            /bin/busybox --install -s /bin
            export PATH=/bin
            mount -t proc proc /proc
            mount -t sysfs sysfs /sys
            {loads}
            ip link set lo up
            ip link set eth0 up
            ip addr add 10.0.2.15/24 dev eth0
            ip route add default via 10.0.2.2
            {script}
            poweroff -f
            """);
        var output = folder.File("initrd.gz");
        Tool.Shell($"chmod +x '{root}/init'; cd '{root}'; find . | cpio --quiet -o -H newc | gzip -1 > '{output}'");
        return output;
    }
}
