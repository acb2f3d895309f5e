using System.Diagnostics;
using TestKit;

namespace Archive.EndToEnd.Tests.Hosts;

/// <summary>
/// <c>infra/host/btf-fetch</c> as a host would run it: in one shell, with one downloader, and with nothing else on its path than what such a
/// host has.
/// </summary>
internal sealed class BtfFetch : IDisposable
{
    /// <summary>Of which POSIX has all but sha256sum, sync and tar; every Linux has those.</summary>
    private static readonly string[] Basics =
        ["sed", "cut", "tr", "grep", "head", "tail", "cat", "cp", "mv", "rm", "mkdir", "ls", "ln", "sort", "wc", "chmod", "sleep", "awk", "uname", "od", "sync", "sha256sum", "gzip"];

    private readonly TempFolder _folder = new();
    private readonly string[] _shell;
    private readonly Dictionary<string, string> _settings = [];

    /// <param name="shell">dash or ash (busybox).</param>
    /// <param name="downloader">curl, wget or busybox (its wget).</param>
    /// <param name="tools">What it may find besides: xz, tar, openssl.</param>
    public BtfFetch(string shell, string downloader, params string[] tools)
    {
        _shell = shell == "ash" ? ["/bin/busybox", "ash"] : [Find(shell)];
        Directory.CreateDirectory(_folder.File("bin"));
        foreach (var name in Basics.Concat(tools))
            Link(name, Find(name));
        Link(downloader == "busybox" ? "wget" : downloader, downloader == "busybox" ? "/bin/busybox" : Find(downloader));
        Directory.CreateDirectory(_folder.File("sys"));
        _folder.Write("os-release", "ID=debian\nVERSION_ID=\"12\"\n");
        Set("BTF_DIR", Target);
        Set("BTF_SYS", _folder.File("sys"));
        Set("BTF_KEYS", _folder.File("trusted"));
        Set("BTF_BACKOFF_BASE", "1");
        Set("BTF_TIMEOUT", "20");
        Set("PATH", _folder.File("bin"));
    }

    public static string Script => Path.Combine(Checkout.Root, "infra", "host", "btf-fetch");

    /// <summary>Where it keeps BTF.</summary>
    public string Target => _folder.File("btf");

    public TempFolder Folder => _folder;

    public void Set(string name, string value) => _settings[name] = value;

    /// <summary>Where a kernel's BTF would be.</summary>
    public string FileOf(string uname) => Path.Combine(Target, $"{uname}.btf");

    /// <summary>What is in its folder besides finished files; nothing, unless it is at work.</summary>
    public IEnumerable<string> Leftovers() => Directory.EnumerateFileSystemEntries(Target).Where(path => Path.GetFileName(path).StartsWith('.'));

    public Tool.Result Run(params string[] arguments)
    {
        using var process = Start(arguments);
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new(process.ExitCode, output, errors.Result);
    }

    /// <summary>In a mount namespace, with its folder on a file system of that size.</summary>
    public Tool.Result RunOnSmallDisk(string size, params string[] arguments)
    {
        Directory.CreateDirectory(Target);
        using var process = Start(["unshare", "-m", "sh", "-c", $"mount -t tmpfs -o size={size} tmpfs '{Target}' && PATH='{_folder.File("bin")}' && exec \"$@\"", "sh"], arguments);
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return new(process.ExitCode, output, errors.Result);
    }

    public Process Start(params string[] arguments) => Start([], arguments);

    private Process Start(string[] wrapper, string[] arguments)
    {
        string[] command = [.. wrapper, .. _shell, Script, "--os-release", _folder.File("os-release"), "--arch", "x86_64", .. arguments];
        var start = new ProcessStartInfo(wrapper.Length > 0 ? Find(command[0]) : command[0], command[1..]) { UseShellExecute = false, RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment.Clear();
        foreach (var (name, value) in _settings)
            start.Environment[name] = name == "PATH" && wrapper.Length > 0 ? "/usr/sbin:/usr/bin:/sbin:/bin" : value;
        return Process.Start(start)!;
    }

    private void Link(string name, string target) => File.CreateSymbolicLink(_folder.File($"bin/{name}"), target);

    private static string Find(string name) => ((string[])["/usr/bin", "/bin", "/usr/sbin", "/sbin"]).Select(folder => Path.Combine(folder, name)).First(File.Exists);

    public void Dispose() => _folder.Dispose();
}
