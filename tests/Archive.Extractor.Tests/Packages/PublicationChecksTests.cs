using System.Buffers.Binary;
using System.Text;
using Btf;

namespace Archive.Extractor.Tests.Packages;

public sealed class PublicationChecksTests
{
    private static readonly (string, uint)[] Sound = [("task_struct", 9728), ("sk_buff", 232)];

    [Fact]
    public void ASoundKernelPasses() => PublicationChecks.Check(Kernel(BtfOf(Sound)), Samples.Uname);

    [Fact]
    public void OneOfSeveralStructsOfTheNameIsEnough() =>
        PublicationChecks.Check(Kernel(BtfOf([("sk_buff", 4), .. Sound])), Samples.Uname);

    [Fact]
    public void AnImageWithoutAPackageHasNoUnameToAgreeWith() =>
        PublicationChecks.Check(Kernel(BtfOf(Sound), release: null), uname: null);

    [Fact]
    public void RefusesAnotherUnameThanThePackages() => Refused(Kernel(BtfOf(Sound), release: "6.1.0-57-cloud-amd64"), "uname:", "6.1.0-57");

    [Fact]
    public void RefusesAnImageThatDoesNotSayItsUname() => Refused(Kernel(BtfOf(Sound), release: null), "uname:", Samples.Uname);

    [Fact]
    public void RefusesBtfThatIsTooSmallForAKernel() => Refused(Kernel(BtfOf(Sound, fillers: 10)), "size:", "bytes");

    [Fact]
    public void RefusesAKernelWithoutTasks() => Refused(Kernel(BtfOf([("sk_buff", 232)])), "struct task_struct:", "missing");

    [Fact]
    public void RefusesAKernelWithoutPackets() => Refused(Kernel(BtfOf([("task_struct", 9728)])), "struct sk_buff:", "missing");

    [Fact]
    public void RefusesATaskOfImplausibleSize() => Refused(Kernel(BtfOf([("task_struct", 16), ("sk_buff", 232)])), "struct task_struct:", "16 bytes");

    [Fact]
    public void RefusesATypeThatWeMadeTwice() =>
        Refused(Kernel(BtfOf([("pair", 8), ("pair", 8), .. Sound]), source: BtfSource.Dwarf), "format:", "Duplicate");

    [Fact]
    public void WhatAKernelShipsTwiceIsPublishedAsItIs() =>
        PublicationChecks.Check(Kernel(BtfOf([("pair", 8), ("pair", 8), .. Sound])), Samples.Uname);

    [Fact]
    public void NoKernelIsMadeOfBytesThatAreNotBtf() =>
        Assert.Contains("magic", Assert.Throws<BtfFormatException>(() => Kernel(new byte[1 << 20])).Message);

    private static void Refused(ConvertedKernel kernel, string check, string value)
    {
        var problem = Assert.Throws<ValidationException>(() => PublicationChecks.Check(kernel, Samples.Uname));
        Assert.StartsWith(check, problem.Message);
        Assert.Contains(value, problem.Message);
    }

    private static ConvertedKernel Kernel(byte[] btf, string? release = Samples.Uname, BtfSource source = BtfSource.Btf) => new(
        btf, new KernelFacts { Release = release, Arch = "x86_64", ShipsBtf = true, TakenFrom = source });

    /// <summary>BTF of these empty structs, and as many others as a kernel's size takes.</summary>
    private static byte[] BtfOf((string Name, uint Size)[] structs, int fillers = 20_000)
    {
        using var types = new MemoryStream();
        using var strings = new MemoryStream();
        strings.WriteByte(0);
        var offsets = new Dictionary<string, uint>();
        foreach (var (name, size) in structs.Concat(Enumerable.Range(0, fillers).Select(i => ($"filler_{i}", 4U))))
        {
            if (!offsets.TryGetValue(name, out var offset))
            {
                offsets[name] = offset = (uint)strings.Length;
                strings.Write(Encoding.ASCII.GetBytes(name + '\0'));
            }

            WriteWords(types, offset, 4U << 24, size); // BTF_KIND_STRUCT, no members
        }

        using var btf = new MemoryStream();
        WriteWords(btf, 0x0001eb9f, 24, 0, (uint)types.Length, (uint)types.Length, (uint)strings.Length);
        btf.Write(types.ToArray());
        btf.Write(strings.ToArray());
        return btf.ToArray();
    }

    private static void WriteWords(MemoryStream target, params ReadOnlySpan<uint> words)
    {
        Span<byte> bytes = stackalloc byte[4];
        foreach (var word in words)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(bytes, word);
            target.Write(bytes);
        }
    }
}
