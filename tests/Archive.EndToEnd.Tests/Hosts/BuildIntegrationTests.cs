using TestKit;

namespace Archive.EndToEnd.Tests.Hosts;

/// <summary>The recipes of docs/build-integration: built against the real service, and run on a kernel whose own BTF is hidden.</summary>
[Trait("Category", "Real")]
public sealed class BuildIntegrationTests : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly string _uname = KernelCorpus.BookwormCloudAmd64.Uname;
    private readonly HostArchive _archive;

    public BuildIntegrationTests()
    {
        _archive = new HostArchive(_uname);
        Tool.Run("cp", "-r", Path.Combine(Checkout.Root, "docs", "build-integration"), _folder.File("recipes"));
    }

    public void Dispose()
    {
        _archive.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public void ProgramsBuiltWithEmbeddedBtfRunWhereTheKernelHasNone()
    {
        var programs = new Dictionary<string, string> { ["c"] = Make("libbpf-c", "LDFLAGS=-static"), ["go"] = Make("go-cilium", "GO=GO111MODULE=off GOPATH=/usr/share/gocode go") };
        if (Tool.Try("sh", ["-c", "command -v rustc"]).Status == 0)
            programs.Add("rust", Make("rust", "RUSTFLAGS=-C target-feature=+crt-static"));
        var files = programs.ToDictionary(program => $"programs/{program.Key}", program => program.Value);
        files.Add("etc/os-release", _folder.Write("os-release", "NAME=Debian\nID=debian\nVERSION_ID=\"12\"\n"));

        var console = QemuGuest.Run(KernelCorpus.Image(_uname).PackagePath, """
            mount -t devtmpfs devtmpfs /dev
            mount -t tmpfs tmpfs /sys/kernel/btf
            ulimit -l unlimited
            for program in /programs/*; do
                echo "EMBEDDED ${program##*/} $($program 2>&1 | tail -n 1)"
                sed -i s/12/13/ /etc/os-release
                echo "MISSING ${program##*/} $($program 2>&1 | tail -n 1)"
                sed -i s/13/12/ /etc/os-release
            done
            """, files);
        foreach (var program in programs.Keys)
        {
            Assert.True(System.Text.RegularExpressions.Regex.IsMatch(console, $@"EMBEDDED {program} parent (\d+) of \1"), console);
            Assert.True(console.Contains($"MISSING {program} no BTF of this kernel:", StringComparison.Ordinal), console);
        }
    }

    /// <summary>A field that older kernels lack makes it worse there, and the check says where and why.</summary>
    [Fact]
    public void CheckFailsAChangeThatMakesTheReportWorse()
    {
        var probe = Path.Combine(Path.GetDirectoryName(Make("libbpf-c"))!, "probe.bpf.o");
        var check = _folder.File("recipes/ci/compat-check");
        string[] Environment(params string[] arguments) => [$"ARCHIVE={_archive.Url}", "KERNELS=distro=debian,ubuntu", $"BASELINE={_folder.File("baseline")}", check, .. arguments];
        Assert.Equal(0, Tool.Try("env", Environment("--update", probe)).Status);
        Assert.Equal(0, Tool.Try("env", Environment(probe)).Status);

        Tool.Shell($"sed -i 's/tgid;/tgid; unsigned int __state;/; s/parent = BPF_CORE_READ(task, real_parent, tgid)/parent = BPF_CORE_READ(task, __state)/' '{_folder.File("recipes/probe.bpf.c")}'");
        Make("libbpf-c");
        var worse = Tool.Try("env", Environment(probe));
        Assert.True(worse.Status == 1, worse.Output + worse.Errors);
        Assert.Contains($"| debian/11/x86_64/{HostArchive.Older} | probe.bpf.o | ok | error |", worse.Output);
        Assert.DoesNotContain($"| debian/12/x86_64/{_uname} | probe.bpf.o |", worse.Output);
        Assert.Contains("has no member __state", worse.Output);
    }

    private string Make(string recipe, params string[] variables)
    {
        Tool.Run("make", ["-C", _folder.File($"recipes/{recipe}"), $"ARCHIVE={_archive.Url}", "KERNELS=arch=x86_64", .. variables]);
        return _folder.File($"recipes/{recipe}/probe");
    }
}
