using System.CommandLine;
using Btf.Cli;
using Btf.Format;

namespace Btf.Tests.Cli;

public sealed class BtfCommandTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("btf-cli-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public void DumpWritesRawText()
    {
        var (status, output, _) = Run("dump", EveryKind());

        Assert.Equal(BtfCommand.Done, status);
        Assert.StartsWith("[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void DumpWritesC() => Assert.Contains("\nstruct inner {\n\tint *p;\n", Run("dump", "--format", "c", EveryKind()).Output, StringComparison.Ordinal);

    [Fact]
    public void TypeWritesTheLayout() =>
        Assert.Equal((BtfCommand.Done, "struct inner {\n\tint *p; "), (Run("type", EveryKind(), "inner").Status, Run("type", EveryKind(), "inner").Output[..24]));

    [Fact]
    public void TypeThatIsNotThereIsStatusOne() => Assert.Equal(BtfCommand.AnswerIsNo, Run("type", EveryKind(), "none").Status);

    [Fact]
    public void TypeAsJson() =>
        Assert.Contains("\"byte_offset\": 16,", Run("type", EveryKind(), "struct inner", "--format", "json").Output, StringComparison.Ordinal);

    [Fact]
    public void OffsetsAsJsonAndC()
    {
        Assert.Contains("\"found\": \"outer.i.n\"", Run("offsets", EveryKind(), "--of", "outer.i.n").Output, StringComparison.Ordinal);
        Assert.Contains(", 16 },\n", Run("offsets", EveryKind(), "--of", "outer.i.n", "--format", "c").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void OffsetThatIsMissingIsStatusOne() => Assert.Equal(BtfCommand.AnswerIsNo, Run("offsets", EveryKind(), "--of", "outer.none").Status);

    [Fact]
    public void OffsetThatIsNoPathIsStatusTwo()
    {
        var (status, _, error) = Run("offsets", EveryKind(), "--of", "outer");

        Assert.Equal(BtfCommand.BadInput, status);
        Assert.Contains("'outer' is no path", error, StringComparison.Ordinal);
    }

    [Fact]
    public void DiffOfEqualFilesIsStatusZero() => Assert.Equal(BtfCommand.Done, Run("diff", EveryKind(), EveryKind()).Status);

    [Fact]
    public void DiffOfDifferentFilesIsStatusOne()
    {
        var other = new BtfFixture();
        other.Int();

        Assert.Equal(BtfCommand.AnswerIsNo, Run("diff", EveryKind(), Save(other.Bytes())).Status);
    }

    [Theory]
    [InlineData("text", "point.before → point.after\n")]
    [InlineData("md", "# point.before → point.after\n")]
    [InlineData("json", "{\n  \"left\": \"point.before\"")]
    public void DiffTellsReasons(string format, string start)
    {
        var (before, after) = (new BtfFixture(), new BtfFixture());
        before.Struct("s", 4, ("a", before.Int(), 0));
        after.Struct("s", 4, ("b", after.Int(), 0));
        var (left, right) = (Path.Combine(_folder.FullName, "point.before.btf"), Path.Combine(_folder.FullName, "point.after.btf"));
        File.WriteAllBytes(left, before.Bytes());
        File.WriteAllBytes(right, after.Bytes());

        var (status, output, _) = Run("diff", left, right, "--format", format);

        Assert.Equal(BtfCommand.AnswerIsNo, status);
        Assert.StartsWith(start, output, StringComparison.Ordinal);
        Assert.Contains("int at 0", output, StringComparison.Ordinal);
    }

    [Fact]
    public void ValidateTellsFindingsWithStatusOne()
    {
        var broken = new BtfFixture();
        broken.Type(BtfKind.Ptr, sizeOrType: 9);

        var (status, output, _) = Run("validate", Save(broken.Bytes()));

        Assert.Equal(BtfCommand.AnswerIsNo, status);
        Assert.Equal("[1] TypeId: Ptr refers to a type that does not exist (value 0x9)\n", output);
    }

    [Fact]
    public void ValidateOfValidFileIsStatusZero() => Assert.Equal(BtfCommand.Done, Run("validate", EveryKind()).Status);

    [Fact]
    public void StatCountsByKind() => Assert.Contains("DECL_TAG             2\n", Run("stat", EveryKind()).Output, StringComparison.Ordinal);

    [Theory]
    [InlineData("dump")]
    [InlineData("validate")]
    [InlineData("stat")]
    public void MalformedFileIsStatusTwo(string command)
    {
        var (status, _, error) = Run(command, Save([1, 2, 3, .. new byte[40]]));

        Assert.Equal(BtfCommand.BadInput, status);
        Assert.Equal("btf: BTF header+0x0: not BTF: wrong magic (value 0x201)\n", error);
    }

    [Fact]
    public void MissingFileIsStatusTwo() => Assert.Equal(BtfCommand.BadInput, Run("dump", Path.Combine(_folder.FullName, "none")).Status);

    [Fact]
    public void IncompleteCommandLineIsStatusTwo() => Assert.Equal(BtfCommand.BadInput, Run("diff", EveryKind()).Status);

    [Fact]
    public void SplitBtfIsReadOnItsBase()
    {
        var baseBtf = BtfFixture.OfEveryKind().Blob();
        var module = new BtfFixture(firstId: baseBtf.EndId, firstNameOffset: baseBtf.EndNameOffset);
        module.Type(BtfKind.Typedef, "own", sizeOrType: 1);

        var (status, output, _) = Run("dump", Save(module.Bytes()), "--base", EveryKind());

        Assert.Equal((BtfCommand.Done, $"[{baseBtf.EndId}] TYPEDEF 'own' type_id=1\n"), (status, output));
    }

    [Fact]
    public void DiffOfDamagedIdsIsStatusTwo()
    {
        var broken = new BtfFixture();
        broken.Type(BtfKind.Ptr, sizeOrType: 9);

        Assert.Equal(BtfCommand.BadInput, Run("diff", Save(broken.Bytes()), EveryKind()).Status);
    }

    private string EveryKind() => Save(BtfFixture.OfEveryKind().Bytes());

    private string Save(byte[] bytes)
    {
        var path = Path.Combine(_folder.FullName, Path.GetRandomFileName());
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private static (int Status, string Output, string Error) Run(params string[] arguments)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var status = BtfCommand.Run(arguments, new InvocationConfiguration { Output = output, Error = error });
        return (status, output.ToString(), error.ToString());
    }
}
