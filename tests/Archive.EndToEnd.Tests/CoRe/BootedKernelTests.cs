using System.Text.RegularExpressions;
using Btf.CoRe;
using Btf.Format;
using TestKit;

namespace Archive.EndToEnd.Tests.CoRe;

/// <summary>
/// A booted Debian kernel takes libbpf-tools' objects with our minimal BTF, and they read right values. To be sure that it is ours
/// that is read, the kernel's own is hidden meanwhile, and another kernel's has to go wrong.
/// </summary>
[Trait("Category", "Real")]
public sealed partial class BootedKernelTests : IDisposable
{
    private const string Script = """
        mount -t tracefs tracefs /sys/kernel/tracing
        attach() { for f in /objects/*.o; do n=$(basename $f .o); echo "$1 $n: $(/loader attach $f $(eval echo $2) 2>&1 | tail -1)"; done; }
        echo "EXEC own $(/loader execsnoop /objects/execsnoop.o - 2>&1 | tail -1)"
        attach OWN -
        attach MINIMAL '/btf/$n'
        mount -t tmpfs tmpfs /sys/kernel/btf
        echo "EXEC none $(/loader execsnoop /objects/execsnoop.o - 2>&1 | tail -1)"
        echo "EXEC minimal $(/loader execsnoop /objects/execsnoop.o /btf/execsnoop 2>&1 | tail -1)"
        echo "EXEC other $(/loader execsnoop /objects/execsnoop.o /btf/other 2>&1 | tail -1)"
        attach ALONE '/btf/$n'
        """;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void TakesRealObjectsWithMinimalBtfAndTheyReadRightValues()
    {
        var console = QemuGuest.Run(KernelCorpus.Image(KernelCorpus.BookwormCloudAmd64.Uname).PackagePath, Script, Files());

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

    private Dictionary<string, string> Files()
    {
        var target = new CoreTarget(BtfFile.Open(RealKernels.Bookworm.BtfPath));
        var other = new CoreTarget(BtfFile.Open(RealKernels.All.Single(kernel => kernel.Name == "trixie-cloud-amd64").BtfPath));
        var files = new Dictionary<string, string> { ["loader"] = BpfLoader.ProgramPath, ["btf/other"] = Minimal(other, BpfObjectCorpus.OfBookworm("execsnoop"), "other") };
        foreach (var file in BookwormTools())
        {
            var name = Path.GetFileNameWithoutExtension(file.Path);
            files.Add($"objects/{name}.o", file.Path);
            files.Add($"btf/{name}", Minimal(target, file, name));
        }
        return files;
    }

    private string Minimal(CoreTarget target, BpfObjectFile file, string name)
    {
        File.WriteAllBytes(_folder.File(name), MinimalBtf.Make(target, [BpfObject.Open(file.Path)]));
        return _folder.File(name);
    }

    private static IEnumerable<BpfObjectFile> BookwormTools() =>
        BpfObjectCorpus.LibbpfTools.Where(file => file.Name.StartsWith("bookworm-amd64/", StringComparison.Ordinal));

    private static List<string> Attached(string console, string pass) =>
        [.. Result().Matches(console).Where(match => match.Groups["pass"].Value == pass).Select(match => match.Groups["result"].Value)];

    private static bool IsAttached(string result) => AllAttached().IsMatch(result);

    [GeneratedRegex(@"EXEC (?<btf>\w+) (?<result>[^\r\n]*)")]
    private static partial Regex Exec();

    [GeneratedRegex(@"^(?<pass>OWN|MINIMAL|ALONE) (?<result>[^\r\n]*)", RegexOptions.Multiline)]
    private static partial Regex Result();

    [GeneratedRegex(@": attached ([1-9]\d*) of \1$")]
    private static partial Regex AllAttached();
}
