using TestKit;

namespace Archive.EndToEnd.Tests.Hosts;

/// <summary>The Debian packages: lintian, the client's whole life in a clean root, and the service on the machine's own .NET.</summary>
[Trait("Category", "Real")]
public sealed class PackageTests : IDisposable
{
    private readonly Lazy<CleanRoot> _root = new(() => new CleanRoot());

    public void Dispose()
    {
        if (_root.IsValueCreated)
            _root.Value.Dispose();
    }

    [Fact]
    public void LintianFindsNoErrors()
    {
        foreach (var package in (string[])[DebianPackages.Client, DebianPackages.Service])
        {
            var result = Tool.Try("lintian", ["--fail-on", "error", "--allow-root", package]);
            Assert.True(result.Status == 0, result.Output + result.Errors);
        }
    }

    [Fact]
    public void ClientIsInstalledUpgradedRemovedAndPurged()
    {
        Install(DebianPackages.Client);
        Assert.StartsWith("btf-fetch ", In("btf-fetch --version"), StringComparison.Ordinal);
        Assert.Equal("enabled", In("systemctl is-enabled btf-fetch").Trim());
        In("mkdir -p /var/lib/btf && echo BTF > /var/lib/btf/1.btf && echo BTF_KEEP=7 >> /etc/default/btf-fetch && echo KEY > /etc/btf-fetch/keys/mine.pem");

        Install(DebianPackages.Raised(DebianPackages.Client, "1.0.1"));
        Assert.Equal("1.0.1 BTF BTF_KEEP=7", In("echo $(dpkg-query -W -f '${Version}' btf-fetch) $(cat /var/lib/btf/1.btf; tail -n 1 /etc/default/btf-fetch)").Trim());

        In("dpkg -r btf-fetch");
        Assert.Equal("BTF", In("cat /var/lib/btf/1.btf; test ! -e /usr/bin/btf-fetch").Trim());

        In("dpkg -P btf-fetch");
        Assert.Equal("KEY", In("test ! -e /var/lib/btf && test ! -e /etc/default/btf-fetch && cat /etc/btf-fetch/keys/mine.pem").Trim());
        AssertGone("btf-fetch");
    }

    /// <summary>As it is where the registry has no runtime to pack for an architecture: the machine has .NET, copied into the root here.</summary>
    [Fact]
    public void ServiceRunsOnTheMachinesOwnRuntime()
    {
        var root = _root.Value.Path;
        Assert.Contains("aspnetcore-runtime-10.0", Tool.Run("dpkg-deb", "-f", DebianPackages.ServiceOnSharedRuntime, "Depends"), StringComparison.Ordinal);
        Tool.Run("dpkg-deb", "-x", DebianPackages.ServiceOnSharedRuntime, Path.Combine(root, "unpacked"));
        Tool.Shell($"""
            cp -a '{root}/unpacked/usr/.' '{root}/usr/'
            dotnet=$(dirname "$(readlink -f "$(command -v dotnet)")")
            mkdir -p '{root}/usr/share/dotnet'
            cp -a "$dotnet/dotnet" "$dotnet/host" "$dotnet/shared" '{root}/usr/share/dotnet/'
            ln -s /usr/share/dotnet/dotnet '{root}/usr/bin/dotnet'
            """);
        Assert.Contains("BEGIN PUBLIC KEY", Serve(), StringComparison.Ordinal);
    }

    /// <summary>Exposure is systemd's own measure, 0 to 10.</summary>
    [Theory]
    [InlineData("infra/systemd/btf-archive.service", 20)]
    [InlineData("infra/host/systemd/btf-fetch.service", 35)]
    public void UnitsAreWellFormedAndHardened(string unit, int tenths)
    {
        var path = Path.Combine(Checkout.Root, unit);
        var result = Tool.Try("systemd-analyze", ["security", "--offline=yes", $"--threshold={tenths}", "--no-pager", path]);
        Assert.True(result.Status == 0, result.Output + result.Errors);
        Assert.DoesNotContain("Unknown key", Tool.Try("systemd-analyze", ["verify", "--man=no", path]).Errors);
    }

    private void Install(string package) => _root.Value.Install(package);

    private string In(string command) => _root.Value.In(command);

    /// <summary>Starts the program as its unit would, but for the sandbox; the public key that it shows.</summary>
    private string Serve() => In("""
        mkdir -p /var/lib/btf-archive
        DataDirectory=/var/lib/btf-archive Roles__Crawler=false /usr/lib/btf-archive/Archive.Api > /log 2>&1 &
        for i in $(seq 100); do curl -sf http://127.0.0.1:8080/v1/key.pem && break; sleep 0.3; done
        kill $! && wait $!
        """);

    private void AssertGone(string package) =>
        Assert.Empty(Tool.Try("find", [_root.Value.Path, "-name", $"*{package}*", "-not", "-path", "*/var/log/*", "-not", "-path", "*/etc/btf-fetch*"]).Output);
}
