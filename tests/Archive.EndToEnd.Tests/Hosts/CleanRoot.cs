using TestKit;

namespace Archive.EndToEnd.Tests.Hosts;

/// <summary>A fresh Debian in a folder, in which packages are installed by dpkg.</summary>
internal sealed class CleanRoot : IDisposable
{
    private readonly TempFolder _folder = new();

    public CleanRoot() => Tool.Shell($"mkdir '{Path}' && tar -xf '{DebianRoot.Tar}' -C '{Path}'");

    public string Path => _folder.File("root");

    public void Install(string package)
    {
        File.Copy(package, System.IO.Path.Combine(Path, "package.deb"), overwrite: true);
        In("dpkg -i /package.deb && rm /package.deb");
    }

    /// <summary>A command in the root, with a /proc of its own and without the host's network.</summary>
    public string In(string command)
    {
        var result = Tool.Try("unshare", ["-m", "-n", "-p", "-f", "sh", "-c", $"mount -t proc proc '{Path}/proc' && ip link set lo up; exec chroot '{Path}' /bin/sh -c \"$0\"", command]);
        Assert.True(result.Status == 0, $"{command}: {result.Output}{result.Errors}");
        return result.Output;
    }

    /// <summary>Boots the root by its systemd and runs a shell script in it, at the end of which it is off.</summary>
    /// <returns>What the script printed.</returns>
    public string Boot(string script)
    {
        var units = System.IO.Path.Combine(Path, "etc/systemd/system");
        File.WriteAllText(System.IO.Path.Combine(Path, "report"), script + "\nsystemctl poweroff --force\n");
        File.WriteAllText(System.IO.Path.Combine(units, "report.service"),
            "[Service]\nType=oneshot\nTimeoutStartSec=infinity\nExecStart=/bin/sh /report\nStandardOutput=file:/report.log\nStandardError=inherit\n");
        Directory.CreateDirectory(System.IO.Path.Combine(units, "default.target.wants"));
        File.CreateSymbolicLink(System.IO.Path.Combine(units, "default.target.wants/report.service"), "../report.service");
        var result = Tool.Try(System.IO.Path.Combine(Checkout.Root, "tests/Archive.EndToEnd.Tests/Hosts/boot-root"), [Path], TimeSpan.FromMinutes(6));
        var report = File.ReadAllText(System.IO.Path.Combine(Path, "report.log"));
        Assert.True(result.Status == 0, report + result.Output + result.Errors);
        return report;
    }

    public void Dispose() => _folder.Dispose();
}
