using TestKit;

namespace Archive.EndToEnd.Tests.Hosts;

/// <summary>Kernels that are installed and not yet booted: the hooks of dpkg, initramfs-tools and kernel-install, run by those themselves.</summary>
[Trait("Category", "Real")]
public sealed class HookTests : IDisposable
{
    private static readonly string Uname = KernelCorpus.BookwormCloudAmd64.Uname;

    private readonly CleanRoot _root = new();
    private readonly TempFolder _folder = new();

    public void Dispose()
    {
        _root.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void InstallingAKernelBringsItsBtfAndPutsItIntoTheInitramfs()
    {
        Export();
        _root.Install(DebianPackages.Client);
        _root.In("printf 'BTF_URLS=/tree\\nBTF_INITRAMFS=yes\\nBTF_BACKOFF_BASE=0\\n' > /etc/default/btf-fetch");

        _root.Install(KernelWithoutBtf());
        Assert.Equal(HostArchive.Bookworm, Fetched());
        Assert.Equal($"var/lib/btf/{Uname}.btf", _root.In($"lsinitramfs /boot/initrd.img-{Uname} | grep '\\.btf$'").Trim());

        // As distros do that install kernels by systemd's tool.
        _root.In("rm -r /var/lib/btf && systemd-machine-id-setup");
        _root.In($"kernel-install --verbose add {Uname} /boot/vmlinuz-{Uname}");
        Assert.Equal(HostArchive.Bookworm, Fetched());

        // It may still be running.
        _root.In($"kernel-install --verbose remove {Uname}");
        Assert.Equal(HostArchive.Bookworm, Fetched());
    }

    private byte[] Fetched() => File.ReadAllBytes(Path.Combine(_root.Path, $"var/lib/btf/{Uname}.btf"));

    /// <summary>A root without network has the archive as a folder.</summary>
    private void Export()
    {
        using var archive = new HostArchive(Uname);
        Tool.Run("dotnet", Programs.Api, "export", Path.Combine(_root.Path, "tree"), "--data", archive.Data);
    }

    /// <summary>Debian's own package with its maintainer scripts, but few modules, and configured as kernels are that ship none.</summary>
    private string KernelWithoutBtf()
    {
        var (tree, target) = (_folder.File("tree"), _folder.File("kernel.deb"));
        Tool.Shell($"""
            dpkg-deb -R '{KernelCorpus.Image(Uname).PackagePath}' '{tree}'
            sed -i '/^CONFIG_DEBUG_INFO_BTF/d' '{tree}/boot/config-{Uname}'
            find '{tree}/lib/modules' -name '*.ko' ! -name 'virtio*' -delete
            dpkg-deb --root-owner-group -Zgzip -z1 -b '{tree}' '{target}'
            """);
        return target;
    }
}
