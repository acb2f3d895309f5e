using System.Buffers.Binary;
using System.Text;
using TestKit;

namespace Archive.EndToEnd.Tests.Hosts;

/// <summary>What the boot client finds out about its host, and leaves there.</summary>
[Trait("Category", "Real")]
public sealed class BootClientHostTests : IDisposable
{
    private const int Unknown = 3;

    private static readonly string Running = Tool.Run("uname", "-r").Trim();

    private readonly HostArchive _archive = new(Running, HostArchive.BuildId);
    private readonly BtfFetch _host = new("dash", "curl", "xz", "tar", "openssl");

    public BootClientHostTests() => _host.Set("BTF_URLS", _archive.Url);

    public void Dispose()
    {
        _host.Dispose();
        _archive.Dispose();
    }

    [Fact]
    public void KernelWithItsOwnNeedsNothingUnlessAsked()
    {
        _host.Folder.Write("sys/kernel/btf/vmlinux", "BTF");
        var result = _host.Run();
        Assert.Equal((0, $"btf-fetch: {Running}: has BTF of its own, nothing to do\n"), (result.Status, result.Errors));
        Assert.False(Directory.Exists(_host.Target));
        Assert.Equal(0, _host.Run("--force").Status);
        Assert.True(File.Exists(_host.FileOf(Running)));
    }

    /// <summary>Derivatives boot other distros' kernels.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void BuildIdOfTheNotesDecides(bool isLittleEndian)
    {
        _host.Folder.Write("os-release", "ID=linuxmint\nVERSION_ID=22\n");
        WriteNotes(HostArchive.BuildId, isLittleEndian);
        var result = _host.Run("--print");
        Assert.True(result.Status == 0, result.Errors);
        Assert.Equal(_host.FileOf(Running) + "\n", result.Output);
        Assert.Contains($"BTF_FILE_PATH={_host.FileOf(Running)}\n", File.ReadAllText(Path.Combine(_host.Target, "btf.env")));

        // The same release built anew: what is here is another kernel's, and so is what the archive has.
        WriteNotes(new string('a', 40), isLittleEndian);
        _host.Folder.Write("os-release", "ID=debian\nVERSION_ID=12\n");
        var other = _host.Run();
        Assert.True(other.Status == Unknown, other.Errors);
        Assert.Contains($"another build: the archive has debian/12/x86_64/{Running} with build-id {HostArchive.BuildId}", other.Errors);
    }

    [Fact]
    public void PrefetchTakesWhatIsInstalledAndNeedsIt()
    {
        var root = _host.Folder.File("root");
        foreach (var uname in (string[])[HostArchive.Ambiguous, "6.1.0-with-btf", "6.99.0-unknown"])
            Directory.CreateDirectory(Path.Combine(root, "lib/modules", uname, "kernel"));
        _host.Folder.Write("root/boot/config-6.1.0-with-btf", "CONFIG_DEBUG_INFO_BTF=y\n");
        _host.Folder.Write("root/etc/default/btf-fetch", "# A comment\nBTF_KEEP=5\nBTF_LINKS='/usr/lib/debug/boot/vmlinux-%s'\nBTF_NOTHING=$(touch /tmp/never)\n");
        _host.Set("BTF_DIR", "/var/lib/btf");
        var result = _host.Run("--root", root, "--prefetch");
        Assert.True(result.Status == Unknown, result.Errors);
        Assert.Equal([$"{HostArchive.Ambiguous}.btf"], Directory.EnumerateFiles(Path.Combine(root, "var/lib/btf"), "*.btf").Select(Path.GetFileName));
        Assert.Equal($"/var/lib/btf/{HostArchive.Ambiguous}.btf", new FileInfo(Path.Combine(root, "usr/lib/debug/boot/vmlinux-" + HostArchive.Ambiguous)).LinkTarget);
        Assert.Contains("6.1.0-with-btf: has BTF of its own", result.Errors);
    }

    [Fact]
    public void NewestAreKeptAndDamagedOnesFetchedAnew()
    {
        _host.Set("BTF_KEEP", "1");
        Assert.Equal(0, _host.Run(HostArchive.Ambiguous).Status);
        _host.Folder.Write("os-release", "ID=debian\nVERSION_ID=11\n");
        Assert.Equal(0, _host.Run(HostArchive.Older).Status);
        Assert.Equal([$"{HostArchive.Older}.btf"], Directory.EnumerateFiles(_host.Target, "*.btf").Select(Path.GetFileName));

        File.WriteAllBytes(_host.FileOf(HostArchive.Older), HostArchive.Bookworm);
        var offline = _host.Run("--offline", HostArchive.Older);
        Assert.True(offline.Status == 5, offline.Errors);
        Assert.Equal(0, _host.Run(HostArchive.Older).Status);
        Assert.Equal(HostArchive.Bullseye, File.ReadAllBytes(_host.FileOf(HostArchive.Older)));
        Assert.Equal(0, _host.Run("--offline", HostArchive.Older).Status);
    }

    [Fact]
    public void ProxyIsAsked()
    {
        using var proxy = new FaultyProxy(_archive.Url);
        _host.Set("BTF_URLS", "http://archive.invalid");
        _host.Folder.Write("settings", $"http_proxy={proxy.Url}\n");
        var result = _host.Run("--config", _host.Folder.File("settings"), HostArchive.Ambiguous);
        Assert.True(result.Status == 0, result.Errors);
    }

    /// <summary>Another note first, whose name needs padding.</summary>
    private void WriteNotes(string buildId, bool isLittleEndian)
    {
        var bytes = new List<byte>();
        Add("Linux\0", 257, new byte[6]);
        Add("GNU\0", 3, Convert.FromHexString(buildId));
        Directory.CreateDirectory(_host.Folder.File("sys/kernel"));
        File.WriteAllBytes(_host.Folder.File("sys/kernel/notes"), [.. bytes]);

        void Add(string name, int kind, byte[] content)
        {
            foreach (var value in (int[])[name.Length, content.Length, kind])
                Word(value);
            Padded(Encoding.ASCII.GetBytes(name));
            Padded(content);
        }

        void Word(int value)
        {
            var word = new byte[4];
            if (isLittleEndian)
                BinaryPrimitives.WriteInt32LittleEndian(word, value);
            else
                BinaryPrimitives.WriteInt32BigEndian(word, value);
            bytes.AddRange(word);
        }

        void Padded(byte[] content)
        {
            bytes.AddRange(content);
            bytes.AddRange(new byte[(4 - content.Length % 4) % 4]);
        }
    }
}
