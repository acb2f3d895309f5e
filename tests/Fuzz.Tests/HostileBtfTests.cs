using System.Buffers.Binary;
using Btf.Format;
using Btf.Format.Validation;
using Btf.Text;
using Btf.Text.Changes;
using Btf.Text.CSource;
using Btf.Text.Layout;

namespace Fuzz.Tests;

/// <summary>BTF that is made to cost much, each below 1 MiB: every use of it ends in a second and in bounded memory, in success or a BtfFormatException.</summary>
public sealed class HostileBtfTests
{
    private const int MaxBytes = 1 << 20;

    public static TheoryData<string> Inputs => new(Builders.Keys);

    private static readonly Dictionary<string, Func<byte[]>> Builders = new(StringComparer.Ordinal)
    {
        ["a chain of pointers"] = () => Blob(80_000, id => Type(BtfKind.Ptr, id + 1)),
        ["a chain of typedefs, backwards"] = () => Blob(80_000, id => Type(BtfKind.Typedef, id - 1, name: 1)),
        ["a cycle of const"] = () => Blob(80_000, id => Type(BtfKind.Const, id % 80_000 + 1)),
        ["const of itself"] = () => Blob(80_000, id => Type(BtfKind.Const, id)),
        ["arrays of arrays"] = () => Blob(40_000, id => [.. Type(BtfKind.Array, 0), id + 1, id + 1, 0xffff_ffff]),
        ["structs that hold the next"] = () => Blob(40_000, id => [.. Type(BtfKind.Struct, 4, vlen: 1), 0, id + 1, 0]),
        ["structs that hold themselves"] = () => Blob(40_000, id => [.. Type(BtfKind.Struct, 4, vlen: 1, name: 1), 1, id, 0]),
        ["one struct of all the rest"] = () => Blob(1, _ => [.. Type(BtfKind.Struct, 4, vlen: 80_000), .. Enumerable.Repeat<uint[]>([1, 1, 0], 80_000).SelectMany(member => member)]),
        ["a vlen past the end"] = () => Blob(10, _ => Type(BtfKind.Struct, 4, vlen: 0xff_ffff)),
        ["prototypes of prototypes"] = () => Blob(10_000, id => [.. Type(BtfKind.FuncProto, id % 10_000 + 1, vlen: 8), .. Enumerable.Range(0, 8).SelectMany(i => new[] { 0u, (id + (uint)i * 17) % 10_000 + 1 })]),
        ["types that share one long name"] = () => Blob(40_000, id => Type(BtfKind.Fwd, 0, name: id), new string('a', 500_000)),
        ["types with the longest name"] = () => Blob(40_000, id => Type(BtfKind.Fwd, 0, name: 1 + id % 64), new string('a', BtfBlob.MaxNameBytes)),
        ["members with the longest name"] = () => Blob(1, _ => [.. Type(BtfKind.Struct, 4, vlen: 60_000), .. Enumerable.Repeat<uint[]>([1, 0, 0], 60_000).SelectMany(member => member)], new string('a', BtfBlob.MaxNameBytes)),
        ["tags with an interpolated index"] = () => Blob(50_000, id => [.. Type(BtfKind.DeclTag, id, name: 1), 0x8000_0000]),
        ["sections of all variables"] = () => Blob(2, _ => [.. Type(BtfKind.Datasec, 0xffff_ffff, vlen: 40_000, name: 1), .. Enumerable.Repeat<uint[]>([1, 0, 0xffff_ffff], 40_000).SelectMany(entry => entry)]),
        ["equal types"] = () => Blob(80_000, _ => Type(BtfKind.Ptr, 0)),
    };

    [Theory]
    [MemberData(nameof(Inputs))]
    public void Parsed(string input) => AssertBounded(input, _ => { });

    [Theory]
    [MemberData(nameof(Inputs))]
    public void Validated(string input) => AssertBounded(input, blob => BtfValidator.Check(blob));

    [Theory]
    [MemberData(nameof(Inputs))]
    public void LookedForDuplicates(string input) => AssertBounded(input, blob => BtfValidator.CheckDeduplicated(blob));

    [Theory]
    [MemberData(nameof(Inputs))]
    public void LookedUpByName(string input) => AssertBounded(input, blob => _ = blob.Find("a").Count);

    [Theory]
    [MemberData(nameof(Inputs))]
    public void Dumped(string input) => AssertBounded(input, blob => RawDump.Write(blob, TextWriter.Null));

    [Theory]
    [MemberData(nameof(Inputs))]
    public void Compared(string input)
    {
        var other = BtfBlob.Parse(Blob(1, _ => Type(BtfKind.Ptr, 0)));
        AssertBounded(input, blob => BtfDiff.Compare(blob, other).Write(TextWriter.Null));
    }

    [Theory]
    [MemberData(nameof(Inputs))]
    public void WrittenAsC(string input) => AssertBounded(input, blob => CDump.Write(blob, TextWriter.Null));

    [Theory]
    [MemberData(nameof(Inputs))]
    public void Described(string input) => AssertBounded(input, blob =>
    {
        foreach (var type in TypeDescription.Find(blob, "a"))
            type.Write(TextWriter.Null);
    });

    [Theory]
    [MemberData(nameof(Inputs))]
    public void ComparedByName(string input) =>
        AssertBounded(input, blob => ChangesWriter.WriteText(KernelComparison.Compare(blob, blob, "left", "right"), TextWriter.Null));

    [Theory]
    [MemberData(nameof(Inputs))]
    public void AskedForAField(string input) => AssertBounded(input, blob => new FieldOffsets(blob).Find(FieldPath.Parse("a.a.a")));

    private static void AssertBounded(string input, Action<BtfBlob> use)
    {
        var bytes = Builders[input]();
        Assert.InRange(bytes.Length, 1, MaxBytes);
        var execution = Execution.Run(new Use(use), bytes);
        Assert.True(execution.Verdict != Verdict.Failed, $"{execution.Signature}: {execution.Problem}");
    }

    private static byte[] Blob(int types, Func<uint, uint[]> type, string name = "a")
    {
        var words = Enumerable.Range(1, types).SelectMany(id => type((uint)id)).ToArray();
        byte[] strings = [0, .. System.Text.Encoding.ASCII.GetBytes(name), 0];
        uint[] header = [0x0001_eb9f, 24, 0, 4 * (uint)words.Length, 4 * (uint)words.Length, (uint)strings.Length];
        var blob = new byte[4 * (header.Length + words.Length) + strings.Length];
        for (var i = 0; i < header.Length + words.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(blob.AsSpan(4 * i), i < header.Length ? header[i] : words[i - header.Length]);
        strings.CopyTo(blob, 4 * (header.Length + words.Length));
        return blob;
    }

    private static uint[] Type(BtfKind kind, uint sizeOrType, uint vlen = 0, uint name = 0) => [name, (uint)kind << 24 | vlen, sizeOrType];

    private sealed class Use(Action<BtfBlob> use) : FuzzTarget
    {
        public override string Name => "btf";

        public override bool Declares(Exception problem) => problem is Btf.BtfFormatException;

        public override void Execute(byte[] input) => use(BtfBlob.Parse(input));

        public override byte[] Mutate(byte[] input, byte[] other, Random random) => input;
    }
}
