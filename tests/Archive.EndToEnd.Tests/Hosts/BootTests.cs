using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using TestKit;

namespace Archive.EndToEnd.Tests.Hosts;

/// <summary>
/// A Debian boots a Debian kernel whose own BTF is hidden, with the client's package in it, and a CO-RE object of libbpf-tools reads right
/// values by the file that came. Nothing is simulated but the processor.
/// </summary>
[Trait("Category", "Real")]
public sealed class BootTests : IDisposable
{
    private const string NoUnits = "getty.target systemd-logind.service systemd-udevd.service systemd-udevd-control.socket systemd-udevd-kernel.socket systemd-udev-trigger.service apt-daily.timer e2scrub_reap.service";

    /// <summary>In the first boot it resets the machine as soon as half of a download is there; in the second it shows one fault after the other.</summary>
    private const string Report = """
        . /etc/default/btf-fetch
        state() { echo "$1 $(systemctl show -P ActiveState btf-fetch) $(systemctl show -P ExecMainStatus btf-fetch) $(systemctl show -P NRestarts btf-fetch)"; }
        if [ ! -e /booted ]; then
            touch /booted
            until curl -sf "${BTF_URLS##* }/held"; do sleep 0.2; done
            sync
            echo "RESET with $(ls -A /var/lib/btf | tr '\n' ' ')"
            echo b > /proc/sysrq-trigger
        fi
        systemctl start btf-fetch
        state FETCHED
        . /var/lib/btf/btf.env
        echo "KEPT $(ls -A /var/lib/btf | tr '\n' ' ')"
        echo "DIGEST $(sha256sum < "$BTF_FILE_PATH")"
        echo "EXEC file $(/loader execsnoop /execsnoop.o "$BTF_FILE_PATH" 2>&1 | tail -n 1)"
        echo "EXEC link $(/loader execsnoop /execsnoop.o - 2>&1 | tail -n 1)"
        rm /usr/lib/debug/boot/vmlinux-*
        echo "EXEC none $(/loader execsnoop /execsnoop.o - 2>&1 | tail -n 1)"
        systemctl restart btf-fetch
        state AGAIN
        mount -t tmpfs -o size=500k tmpfs /var/lib/btf
        systemctl restart btf-fetch
        state FULL
        echo "LEFT $(ls -A /var/lib/btf | grep -v keys)"
        umount /var/lib/btf
        mkdir -p /run/systemd/system/btf-fetch.service.d
        printf '[Service]\nEnvironment=BTF_SPREAD=0\nExecStart=\nExecStart=/usr/bin/btf-fetch --boot --os-release /dev/null $KERNEL\nEnvironmentFile=/run/kernel\n' > /run/systemd/system/btf-fetch.service.d/kernel.conf
        systemctl daemon-reload
        for kernel in 6.99.0-1-generic 5.14.0-1-custom; do
            echo "KERNEL=$kernel" > /run/kernel
            systemctl restart btf-fetch
            state $kernel
        done
        umount /sys/kernel/btf
        systemctl restart btf-fetch
        echo "NATIVE $(systemctl show -P ConditionResult btf-fetch)"
        journalctl -b -u btf-fetch -o cat | sed 's/^/LOG /'
        poweroff -f
        """;

    private static readonly string Uname = KernelCorpus.BookwormCloudAmd64.Uname;

    private readonly HostArchive _archive = new(Uname);

    public void Dispose() => _archive.Dispose();

    /// <summary>
    /// Of the archives the first is down, the second serves damaged bytes, and the third has its first download broken by a reset of the host,
    /// and drops the first question after it.
    /// </summary>
    [Fact]
    public void UnitOfSystemdFetchesThroughAllThatGoesWrong()
    {
        var faults = new Faults();
        using var wrong = new FaultyProxy(_archive.Url) { Change = FaultyProxy.Damage };
        using var good = new FaultyProxy(_archive.Url) { Send = faults.SendAsync };
        using var guest = new GuestSystem(Uname, $"BTF_URLS=\"http://10.0.2.2:9 {GuestSystem.FromGuest(wrong.Url)} {GuestSystem.FromGuest(good.Url)}\"",
            "BTF_BACKOFF_BASE=1", "BTF_ATTEMPTS=3", "BTF_SPREAD=1", "BTF_LINKS=/usr/lib/debug/boot/vmlinux-%s");
        guest.Write("report", Report);
        guest.Write("etc/systemd/system/report.service", "[Unit]\nWants=btf-fetch.service\n[Service]\nType=oneshot\nExecStart=/bin/sh /report\nStandardOutput=tty\nTTYPath=/dev/ttyS0\n");
        new BootLog(BootSystemd(guest)).That(@"RESET with .*\.work\.");
        var says = new BootLog(BootSystemd(guest));
        says.That(@"LOG btf-fetch: \S+ http://10.0.2.2:9: .*(refused|connect)");
        says.That("LOG .*wrong digest");
        says.That("LOG .*trying again in [01] s .attempt 1 of 3");
        says.That("LOG .*fetched .*signed by [0-9a-f]{16}");
        says.That("FETCHED active 0 0");
        says.That($"KEPT {Regex.Escape(Uname)}.btf {Regex.Escape(Uname)}.btf.info btf.env keys ");
        AssertAttached(says);
        says.That(@"EXEC link ppid (\d+) of \1");
        says.That("EXEC none failed");
        says.That("AGAIN active 0 0");
        says.That("FULL failed 7 0");
        says.That("LEFT $");
        says.That("LOG .*the disk does not take it");
        says.That("6.99.0-1-generic failed 3 0");
        says.That("LOG .*no BTF to be had for this kernel");
        says.That("5.14.0-1-custom failed 4 0");
        says.That("LOG .*ambiguous: debian/12/x86_64/5.14.0-1-custom ubuntu/22.04");
        says.That("NATIVE no");
    }

    [Fact]
    public void ServiceOfOpenRcFetches()
    {
        using var guest = new GuestSystem(Uname, $"BTF_URLS={GuestSystem.FromGuest(_archive.Url)}", "BTF_SPREAD=0");
        // Where Debian has no networking of OpenRC's own: what other distros' services provide.
        guest.Write("etc/init.d/network", "#!/sbin/openrc-run\ndepend() { provide net localmount; }\nstart() { :; }\n");
        guest.Write("etc/init.d/report", """
            #!/sbin/openrc-run
            depend() { after btf-fetch; }
            start() {
                for i in $(seq 60); do [ -e /var/lib/btf/btf.env ] && break; sleep 1; done
                rc-status default
                sed 's/^/LOG /' /var/log/btf-fetch.log
                . /var/lib/btf/btf.env
                mount -t tracefs tracefs /sys/kernel/tracing
                echo "DIGEST $(sha256sum < "$BTF_FILE_PATH")"
                echo "EXEC file $(/loader execsnoop /execsnoop.o "$BTF_FILE_PATH" 2>&1 | tail -n 1)"
                poweroff -f
            }
            """);
        var says = new BootLog(guest.Boot("""
            rm -f etc/runlevels/*/*
            cp usr/share/doc/btf-fetch/examples/openrc/btf-fetch etc/init.d/
            chmod +x etc/init.d/*
            for name in network btf-fetch report; do ln -s /etc/init.d/$name etc/runlevels/default/; done
            """, "/sbin/openrc-init"));
        says.That(@"Fetching BTF of the running kernel");
        says.That("LOG btf-fetch: .*fetched .*signed by [0-9a-f]{16}");
        AssertAttached(says);
    }

    private static string BootSystemd(GuestSystem guest) => guest.Boot($"""
        mkdir -p etc/systemd/system/multi-user.target.wants
        ln -sf /lib/systemd/system/btf-fetch.service /etc/systemd/system/report.service etc/systemd/system/multi-user.target.wants/
        for unit in {NoUnits}; do ln -sf /dev/null etc/systemd/system/$unit; done
        """, "/sbin/init");

    private static void AssertAttached(BootLog says)
    {
        says.That($"DIGEST {Convert.ToHexStringLower(SHA256.HashData(HostArchive.Bookworm))}");
        says.That(@"EXEC file ppid (\d+) of \1");
    }

    /// <summary>Holds the first download for ever, and drops the first question after it.</summary>
    private sealed class Faults
    {
        private int _downloads, _questionsAfter;

        public async Task<bool> SendAsync(HttpContext context, byte[] body)
        {
            var path = context.Request.Path;
            if (FaultyProxy.IsContent(path) && Interlocked.Increment(ref _downloads) == 1)
                return await HoldAsync(context, body);
            if (path == "/held")
                context.Response.StatusCode = _downloads > 0 ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
            else if (_downloads != 1 || path != "/v1/host" || Interlocked.Increment(ref _questionsAfter) > 1)
                return false;
            else
                context.Abort();
            return true;
        }

        private static async Task<bool> HoldAsync(HttpContext context, byte[] body)
        {
            context.Response.ContentLength = body.Length;
            await context.Response.Body.WriteAsync(body.AsMemory(0, body.Length / 2));
            await context.Response.Body.FlushAsync();
            await Task.Delay(Timeout.Infinite, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
            return true;
        }
    }
}
