namespace TestKit;

/// <summary>A small Debian with systemd and OpenRC, made by debootstrap once and kept: as a tar, and as a disk.</summary>
public static class DebianRoot
{
    /// <summary>Both init systems, what the client may use and hooks into, and what the service's package depends on.</summary>
    private const string Packages =
        "systemd,systemd-sysv,openrc,initramfs-tools,curl,xz-utils,openssl,kmod,gpgv,libstdc++6,zlib1g,libzstd1,liblzma5,init-system-helpers";

    private static readonly Lazy<string> Folder = new(() => TestCache.Made("debian-root", "bookworm-2", Make));

    /// <summary>The whole root, as root owns it.</summary>
    public static string Tar => Path.Combine(Folder.Value, "root.tar");

    /// <summary>The same in an ext4 file system.</summary>
    public static string Disk => Path.Combine(Folder.Value, "disk");

    private static void Make(string folder)
    {
        var root = Path.Combine(folder, "root");
        var result = Tool.Try("debootstrap", ["--variant=minbase", $"--include={Packages}", "bookworm", root], TimeSpan.FromMinutes(15));
        if (result.Status != 0)
            throw new InvalidOperationException($"debootstrap: {result.Output}{result.Errors}");
        Tool.Shell($"""
            cd '{root}'
            rm -rf var/cache/apt/archives/*.deb var/lib/apt/lists/* usr/share/doc/* usr/share/locale/* usr/share/man/*
            tar --one-file-system -cf '{folder}/root.tar' .
            truncate -s 600M '{folder}/disk'
            mke2fs -q -t ext4 -d . '{folder}/disk'
            cd /
            rm -rf '{root}'
            """);
    }
}
