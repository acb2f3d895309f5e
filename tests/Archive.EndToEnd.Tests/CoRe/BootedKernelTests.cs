using System.Text.RegularExpressions;
using TestKit;

namespace Archive.EndToEnd.Tests.CoRe;

/// <summary>
/// A booted Debian kernel takes libbpf-tools' objects with the minimal BTF that our service made for it, and they read right
/// values. To be sure that it is ours that is read, the kernel's own is hidden meanwhile, and another kernel's has to go wrong.
/// </summary>
[Trait("Category", "Real")]
public sealed partial class BootedKernelTests : IDisposable
{
    private const string Script = """
        mount -t tracefs tracefs /sys/kernel/tracing
        attach() { for f in /objects/*.o; do n=$(basename $f .o); echo "$1 $n: $(/loader attach $f $2 2>&1 | tail -1)"; done; }
        echo "EXEC own $(/loader execsnoop /objects/execsnoop.o - 2>&1 | tail -1)"
        attach OWN -
        attach MINIMAL /btf/minimal
        mount -t tmpfs tmpfs /sys/kernel/btf
        echo "EXEC none $(/loader execsnoop /objects/execsnoop.o - 2>&1 | tail -1)"
        echo "EXEC minimal $(/loader execsnoop /objects/execsnoop.o /btf/minimal 2>&1 | tail -1)"
        echo "EXEC other $(/loader execsnoop /objects/execsnoop.o /btf/other 2>&1 | tail -1)"
        attach ALONE /btf/minimal
        """;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TakesRealObjectsWithTheServicesMinimalBtfAndTheyReadRightValues()
    {
        var (uname, files) = Files();
        var console = QemuGuest.Run(KernelCorpus.Image(uname).PackagePath, Script, files);

        var exec = Exec().Matches(console).ToDictionary(match => match.Groups["btf"].Value, match => match.Groups["result"].Value);
        Assert.True(exec.Count == 4, console);
        Assert.All((string[])["own", "minimal"], btf => Assert.Matches(@"^ppid (\d+) of \1$", exec[btf]));
        Assert.Matches("^failed", exec["none"]);
        Assert.DoesNotMatch(@"^ppid (\d+) of \1$", exec["other"]);

        // What loads and attaches with the kernel's own BTF does so with ours: fentry finds its function in the kernel's own either way.
        var (own, minimal, alone) = (Attached(console, "OWN"), Attached(console, "MINIMAL"), Attached(console, "ALONE"));
        Assert.Equal(own, minimal);
        Assert.True(own.Count == BookwormTools().Count() && own.Count(IsAttached) >= 25, console);

        // Without any other BTF all that need CO-RE alone are left.
        Assert.Empty(alone.Where(IsAttached).Except(own));
        Assert.True(alone.Count(IsAttached) >= 15, string.Join('\n', alone));
    }

    /// <summary>The guest's kernel, and what goes into its root.</summary>
    private (string Uname, Dictionary<string, string> Files) Files()
    {
        var (uname, minimal, other) = AskTheService();
        var files = new Dictionary<string, string> { ["loader"] = BpfLoader.ProgramPath, ["btf/minimal"] = minimal, ["btf/other"] = other };
        foreach (var file in BookwormTools())
            files.Add($"objects/{Path.GetFileName(file.Path)}", file.Path);
        return (uname, files);
    }

    /// <summary>One bundle for all objects and two kernels, found in it where bcc's tools would look.</summary>
    private (string Uname, string Minimal, string Other) AskTheService()
    {
        string[] kernels = [Publish("bookworm", "6.1.0-*"), Publish("trixie", "6.12.*")];
        using var archive = ArchiveProcess.Start(_folder.File("data"), "--Roles:Crawler=false");
        _ = archive.WaitForKernel(TimeSpan.FromMinutes(1));
        File.WriteAllBytes(_folder.File("bundle.tar.gz"), archive.Post("/v1/minimize?profile=bcc&arch=x86_64", BookwormTools().Select(file => file.Path)));
        Tool.Run("tar", "-xzf", _folder.File("bundle.tar.gz"), "-C", _folder.FullPath);
        return (kernels[0], _folder.File($"debian/12/x86_64/{kernels[0]}.btf"), _folder.File($"debian/13/x86_64/{kernels[1]}.btf"));
    }

    /// <returns>The uname of the newest kernel that was found.</returns>
    private string Publish(string release, string uname)
    {
        var crawl = Crawl.Run("debian", "--packages", "image", "--no-modules", "--release", release, "--arch", "amd64", "--flavour", "cloud", "--uname", uname, "--data", _folder.File("data"));
        Assert.True(crawl.Status == 0, crawl.Output + crawl.Errors);
        return Published().Match(crawl.Output).Groups["uname"].Value;
    }

    private static IEnumerable<BpfObjectFile> BookwormTools() =>
        BpfObjectCorpus.LibbpfTools.Where(file => file.Name.StartsWith("bookworm-amd64/", StringComparison.Ordinal));

    private static List<string> Attached(string console, string pass) =>
        [.. Result().Matches(console).Where(match => match.Groups["pass"].Value == pass).Select(match => match.Groups["result"].Value)];

    private static bool IsAttached(string result) => AllAttached().IsMatch(result);

    [GeneratedRegex(@"x86_64/(?<uname>\S+): published")]
    private static partial Regex Published();

    [GeneratedRegex(@"EXEC (?<btf>\w+) (?<result>[^\r\n]*)")]
    private static partial Regex Exec();

    [GeneratedRegex(@"^(?<pass>OWN|MINIMAL|ALONE) (?<result>[^\r\n]*)", RegexOptions.Multiline)]
    private static partial Regex Result();

    [GeneratedRegex(@": attached ([1-9]\d*) of \1$")]
    private static partial Regex AllAttached();
}
