using Btf.Format;
using Btf.Format.Validation;
using Btf.Text;

namespace Btf.Tests.Text;

/// <summary>The BTF of the kernel that runs these tests.</summary>
[Trait("Category", "Real")]
public sealed class RunningKernelTests
{
    private const string Vmlinux = "/sys/kernel/btf/vmlinux";

    [Fact]
    public void RawDumpIsTheTextOfBpftool()
    {
        using var text = new StringWriter();

        RawDump.Write(BtfFile.Open(Vmlinux), text);

        Assert.True(BpfTool.DumpRaw(Vmlinux) == text.ToString());
    }

    [Fact]
    public void IsValidAndDeduplicated()
    {
        var blob = BtfFile.Open(Vmlinux);

        Assert.Empty(BtfValidator.Check(blob));
        Assert.Empty(BtfValidator.CheckDeduplicated(blob));
    }

    [Fact]
    public void EqualsItself() => Assert.True(BtfDiff.Compare(BtfFile.Open(Vmlinux), BtfFile.Open(Vmlinux)).AreEqual);

    [Fact]
    public void HasTaskStructOfPlausibleSize() =>
        Assert.InRange(BtfFile.Open(Vmlinux).Find(BtfKind.Struct, "task_struct")!.Value.SizeOrType, 2_000u, 32_000u);
}
