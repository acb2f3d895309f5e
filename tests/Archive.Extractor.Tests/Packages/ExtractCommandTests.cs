using System.Diagnostics;
using System.Formats.Tar;

namespace Archive.Extractor.Tests.Packages;

/// <summary>The command as a process of its own, for its exit status and what it prints.</summary>
public sealed class ExtractCommandTests : IDisposable
{
    private readonly Workspace _workspace = new();

    public void Dispose() => _workspace.Dispose();

    [Theory]
    [InlineData("extract")]
    [InlineData("extract", "nowhere.deb", "-o", "out.btf")]
    [InlineData("extract", "garbage", "-o", "out.btf", "--threads", "0")]
    [InlineData("extract", "garbage", "-o", "out.btf", "--source", "stabs")]
    [InlineData("exhume")]
    public void BadUsageIsStatus2(params string[] arguments)
    {
        Write("garbage", [1]);
        Assert.Equal(2, Run(arguments).Status);
    }

    [Fact]
    public void HelpIsStatus0() => Assert.Equal(0, Run("extract", "--help").Status);

    [Fact]
    public void MalformedInputIsStatus3AndSaysWhere()
    {
        Write("p.deb", Samples.DebOf([0x1f, 0x8b, 8, 0], "data.tar.gz"));
        var (status, errors) = Run("extract", "p.deb", "-o", "out.btf");
        Assert.Equal(3, status);
        Assert.Contains("extract: data.tar.gz+0x", errors);
    }

    [Fact]
    public void APackageWithoutAKernelIsStatus1()
    {
        Write("p.deb", Samples.DebOf(Samples.Tar(TarEntryFormat.Gnu, ("./usr/share/doc/x", [1]))));
        var (status, errors) = Run("extract", "p.deb", "-o", "out.btf");
        Assert.Equal(1, status);
        Assert.Contains("no kernel image", errors);
    }

    [Fact]
    public void AFailureLeavesNoOutput()
    {
        Write("p.deb", Samples.DebOf(Samples.Tar(TarEntryFormat.Gnu, (Samples.ImageEntry, Samples.Image(5000)))));
        Assert.NotEqual(0, Run("extract", "p.deb", "-o", "out.btf").Status);
        Assert.Equal(["p.deb"], Directory.GetFiles(_workspace.Folder).Select(Path.GetFileName));
    }

    private void Write(string name, byte[] content) => File.WriteAllBytes(_workspace.PathOf(name), content);

    private (int Status, string Errors) Run(params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(KernelExtractor).Assembly.Location, .. arguments])
        {
            WorkingDirectory = _workspace.Folder,
            UseShellExecute = false,
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, errors + output.Result);
    }
}
