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

    public void Dispose() => _folder.Dispose();
}
