using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using TestKit;

namespace Archive.EndToEnd.Tests.Hosts;

/// <summary>
/// A Debian with systemd boots a Debian kernel whose own BTF is hidden, with the client's package in it. The machine is reset in the middle of
/// the first download. Of its archives the first is down, the second serves damaged bytes, and the third drops the first question after
/// the reset. In the end a CO-RE object of libbpf-tools reads right values by the file that came.
/// </summary>
[Trait("Category", "Long")]
public sealed class BootTests : IDisposable
{
    /// <summary>In the initramfs: hides the kernel's BTF from all that comes, and starts the system with the files of the test in it.</summary>
    private const string Start = """
        mkdir -p /root
        mount -t devtmpfs devtmpfs /dev
        mount -t ext4 /dev/vda /root || poweroff -f
        cp -a /files/. /root/
        mkdir -p /root/usr/lib/debug/boot /root/etc/systemd/system/multi-user.target.wants
        ln -sf /lib/systemd/system/btf-fetch.service /etc/systemd/system/report.service /root/etc/systemd/system/multi-user.target.wants/
        for unit in getty.target systemd-logind.service systemd-udevd.service systemd-udev-trigger.service apt-daily.timer e2scrub_reap.service; do
            ln -sf /dev/null /root/etc/systemd/system/$unit
        done
        for name in proc sys dev; do mount --move /$name /root/$name; done
        mount -t tmpfs -o size=64k,mode=755 tmpfs /root/sys/kernel/btf
        exec switch_root /root /sbin/init
        """;

    private const string ReportUnit = """
        [Unit]
        Wants=btf-fetch.service
        [Service]
        Type=oneshot
        ExecStart=/bin/sh /report
        StandardOutput=tty
        TTYPath=/dev/ttyS0
        """;

    /// <summary>In the first boot it resets the machine as soon as half of a download is there.</summary>
    private const string Report = """
        if [ ! -e /booted ]; then
            touch /booted
            while ! [ -s "$(echo /var/lib/btf/.work.*/tarball)" ]; do sleep 1; done
            sync
            echo "RESET with $(ls -A /var/lib/btf | tr '\n' ' ')"
            echo b > /proc/sysrq-trigger
        fi
        systemctl start btf-fetch
        echo "UNIT $(systemctl is-active btf-fetch)"
        journalctl -b -u btf-fetch -o cat | sed 's/^/LOG /'
        . /var/lib/btf/btf.env
        echo "KEPT $(ls -A /var/lib/btf | tr '\n' ' ')"
        echo "DIGEST $(sha256sum < "$BTF_FILE_PATH")"
        mount -t tracefs tracefs /sys/kernel/tracing
        echo "EXEC file $(/loader execsnoop /execsnoop.o "$BTF_FILE_PATH" 2>&1 | tail -n 1)"
        echo "EXEC link $(/loader execsnoop /execsnoop.o - 2>&1 | tail -n 1)"
        rm /usr/lib/debug/boot/vmlinux-*
        echo "EXEC none $(/loader execsnoop /execsnoop.o - 2>&1 | tail -n 1)"
        btf-fetch; echo "AGAIN $?"
        btf-fetch --once 6.99.0-1-generic; echo "UNKNOWN $?"
        btf-fetch --once --os-release /dev/null 5.14.0-1-custom; echo "AMBIGUOUS $?"
        poweroff -f
        """;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void UnitFetchesThroughAllThatGoesWrongAndAnObjectAttaches()
    {
        var uname = KernelCorpus.BookwormCloudAmd64.Uname;
        using var archive = new HostArchive(uname);
        var digest = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(HostArchive.Bookworm));
        using var wrong = new FaultyProxy(archive.Url) { Change = FaultyProxy.Damage };
        var faults = new Faults();
        using var good = new FaultyProxy(archive.Url) { Send = faults.SendAsync };
        var console = QemuGuest.Run(KernelCorpus.Image(uname).PackagePath, Start, Files("http://10.0.2.2:9", Guest(wrong), Guest(good)), DebianRoot.Disk);

        void Says(string pattern) => Assert.True(Regex.IsMatch(console, pattern, RegexOptions.Multiline, TimeSpan.FromSeconds(10)), $"wanted: {pattern}\n{console}");
        Says(@"RESET with \.work\.");
        Says("UNIT active");
        Says(@"LOG btf-fetch: \S+ http://10.0.2.2:9: .*refused|LOG btf-fetch: \S+ http://10.0.2.2:9: .*connect");
        Says("LOG .*wrong digest");
        Says("LOG .*trying again in [01] s");
        Says("LOG .*fetched .*signed by [0-9a-f]{16}");
        Says($"KEPT btf.env keys {Regex.Escape(uname)}.btf {Regex.Escape(uname)}.btf.info ");
        Says($"DIGEST {digest}");
        Says(@"EXEC file ppid (\d+) of \1");
        Says(@"EXEC link ppid (\d+) of \1");
        Says("EXEC none failed");
        Says("AGAIN 0");
        Says("UNKNOWN 3");
        Says("AMBIGUOUS 4");
    }

    private static string Guest(FaultyProxy proxy) => proxy.Url.Replace("127.0.0.1", "10.0.2.2", StringComparison.Ordinal);

    private Dictionary<string, string> Files(params string[] urls)
    {
        Tool.Run("dpkg-deb", "-x", DebianPackages.Client, _folder.File("package"));
        _folder.Write("package/etc/default/btf-fetch", $"BTF_URLS=\"{string.Join(' ', urls)}\"\nBTF_BACKOFF_BASE=1\nBTF_SPREAD=1\nBTF_LINKS=/usr/lib/debug/boot/vmlinux-%s\n");
        _folder.Write("package/etc/systemd/system/report.service", ReportUnit);
        _folder.Write("package/report", Report);
        File.Copy(BpfLoader.ProgramPath, _folder.File("package/loader"));
        File.Copy(BpfObjectCorpus.OfBookworm("execsnoop").Path, _folder.File("package/execsnoop.o"));
        return Directory.EnumerateFiles(_folder.File("package"), "*", SearchOption.AllDirectories)
            .Where(path => !path.Contains("/usr/share/", StringComparison.Ordinal))
            .ToDictionary(path => "files/" + InRoot(Path.GetRelativePath(_folder.File("package"), path)));
    }

    /// <summary>The root's /lib is a link, which dpkg knows and cp does not.</summary>
    private static string InRoot(string path) => path.StartsWith("lib/", StringComparison.Ordinal) ? "usr/" + path : path;

    /// <summary>Holds the first download for ever, and drops the first question after it.</summary>
    private sealed class Faults
    {
        private int _downloads, _questionsAfter;

        public async Task<bool> SendAsync(HttpContext context, byte[] body)
        {
            if (FaultyProxy.IsContent(context.Request.Path) && Interlocked.Increment(ref _downloads) == 1)
            {
                context.Response.ContentLength = body.Length;
                await context.Response.Body.WriteAsync(body.AsMemory(0, body.Length / 2));
                await context.Response.Body.FlushAsync();
                await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
                return true;
            }
            if (_downloads != 1 || context.Request.Path != "/v1/host" || Interlocked.Increment(ref _questionsAfter) > 1)
                return false;
            context.Abort();
            return true;
        }
    }
}
