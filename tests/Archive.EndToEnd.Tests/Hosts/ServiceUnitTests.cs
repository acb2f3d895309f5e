namespace Archive.EndToEnd.Tests.Hosts;

/// <summary>The service's package through its whole life, on a booted Debian without .NET: its unit is started, confined and restarted by a real systemd.</summary>
[Trait("Category", "Real")]
public sealed class ServiceUnitTests : IDisposable
{
    private const string Report = """
        property() { systemctl show -P "$1" btf-archive; }
        ask() { for i in $(seq 300); do curl -sf "http://127.0.0.1:8080$1" && break; sleep 0.2; done; }
        key() { echo "$1 $(ask /v1/key.pem | sha256sum | cut -d' ' -f1)"; }
        # In the unit's mounts, by a root that has all capabilities: what is refused is not there to be written.
        sandbox() { nsenter -t "$(property MainPID)" -m sh -c "$1" 2>&1 | tail -n 1; }
        seen() { for i in $(seq 100); do "$@" && break; sleep 0.1; done; }
        was_restarted() { [ "$(property NRestarts)" = 1 ]; }
        has_failed() { [ "$(property ActiveState)" = failed ]; }

        dpkg -i /one.deb
        key INSTALLED
        uid=$(stat -c %u "/proc/$(property MainPID)")
        grep -E '^(Uid|NoNewPrivs|CapBnd|Seccomp):' "/proc/$(property MainPID)/status"
        echo "ETC $(sandbox 'touch /etc/mark')"
        touch /root/mark
        echo "HOME $(sandbox 'ls /root/mark')"
        echo "TMP $(sandbox 'touch /tmp/mark && echo written'; ls /tmp/mark 2>&1)"
        echo "KERNELS $(ask /v1/kernels)"
        systemd-analyze security --no-pager btf-archive | tail -n 1
        echo "WROTE" $(find / -xdev -uid "$uid" -o -xdev -name mark | sed 's,^\(/var/lib/private/btf-archive\|/tmp/systemd-private\).*,\1,' | sort -u)

        kill -9 "$(property MainPID)"
        seen was_restarted
        key KILLED
        echo "RESTARTS $(property NRestarts)"

        before=$(property MainPID)
        dpkg -i /two.deb
        key UPGRADED
        [ "$(property MainPID)" = "$before" ] || echo "ANOTHER PROCESS"

        echo Crawler__Sources__debian__Newest=none >> /etc/default/btf-archive
        systemctl restart btf-archive
        seen has_failed
        echo "WRONG $(property ActiveState) $(property ExecMainStatus) $(property NRestarts)"
        sed -i '$d' /etc/default/btf-archive
        systemctl start btf-archive
        key MENDED

        dpkg -r btf-archive
        echo "REMOVED $(systemctl is-active btf-archive) $(ls /var/lib/private/btf-archive/keys)"
        dpkg -i /two.deb
        key AGAIN
        dpkg -P btf-archive
        echo "PURGED $(systemctl is-active btf-archive) $(ls -d /var/lib/btf-archive /var/lib/private/btf-archive /etc/default/btf-archive 2>/dev/null)"
        journalctl -u btf-archive -o cat | cut -c 1-200
        """;

    private readonly CleanRoot _root = new();

    public void Dispose() => _root.Dispose();

    [Fact]
    public void UnitServesConfinedThroughKillUpgradeRemovalAndPurge()
    {
        File.Copy(DebianPackages.Service, Path.Combine(_root.Path, "one.deb"));
        File.Copy(DebianPackages.Raised(DebianPackages.Service, "1.0.1"), Path.Combine(_root.Path, "two.deb"));
        var says = new BootLog(_root.Boot(Report));

        says.That("^INSTALLED (?!e3b0c442)[0-9a-f]{64}$"); // Not the digest of nothing.
        says.That(@"^Uid:\t(?!0\t)(\d+)\t\1\t\1\t");
        says.That("^CapBnd:\t0{16}$");
        says.That("^NoNewPrivs:\t1$");
        says.That("^Seccomp:\t2$");
        says.That("^ETC .*Read-only file system");
        says.That("^HOME .*No such file");
        says.That("^TMP written\nls: .*No such file");
        says.That("""^KERNELS \{"kernels":\[\]""");
        says.That(@"exposure level for btf-archive.service: 1\.\d OK");
        says.That("^WROTE /root/mark /tmp/systemd-private /var/lib/private/btf-archive$");
        says.That("^RESTARTS 1$");
        says.That("^ANOTHER PROCESS$");
        says.That("^WRONG failed 2 0$");
        says.That("settings: configuration: Crawler:Sources:debian: .*'none'");
        says.That("^REMOVED inactive 0001.pem");
        says.That("^PURGED inactive $");
        foreach (var moment in (string[])["KILLED", "UPGRADED", "MENDED", "AGAIN"]) // The key of the first start is part of the data.
            says.That($@"^INSTALLED (\w+)$[\s\S]*^{moment} \1$");
    }
}
