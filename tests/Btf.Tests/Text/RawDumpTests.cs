using Btf.Text;

namespace Btf.Tests.Text;

public sealed class RawDumpTests
{
    [Fact]
    public void WritesEveryKindAsBpftoolDoes()
    {
        using var text = new StringWriter();

        RawDump.Write(BtfFixture.OfEveryKind().Blob(), text);

        Assert.Equal(BpfTool.DumpRaw(BtfFixture.OfEveryKind().Bytes()), text.ToString());
    }

    [Fact]
    public void WritesBigEndianAsBpftoolDoes()
    {
        using var text = new StringWriter();

        RawDump.Write(BtfFixture.OfEveryKind(bigEndian: true).Blob(), text);

        Assert.Equal(BpfTool.DumpRaw(BtfFixture.OfEveryKind(bigEndian: true).Bytes()), text.ToString());
    }
}
