using Btf.CoRe;
using Btf.Format;
using Btf.Format.Validation;
using Btf.Text;
using TestKit;

namespace Btf.Tests.CoRe;

/// <summary>Minimal BTF for loaders that do not know all of BTF, or run on another machine.</summary>
[Trait("Category", "Real")]
public sealed class MinimalBtfOptionsTests : IDisposable
{
    private readonly BpfCompiler _compiler = new();
    private readonly CoreTarget _kernel;
    private readonly BpfObject _object;

    public MinimalBtfOptionsTests()
    {
        _kernel = _compiler.Kernel("""
            enum wide { FIRST = 1, LAST = 0x500000002ULL } wide;
            struct inner { int value; };
            struct outer { struct inner __attribute__((btf_type_tag("rcu"))) *tagged; } outer;
            typedef struct inner __attribute__((btf_type_tag("user"))) __attribute__((btf_type_tag("rcu"))) *pointer; pointer alias;
            """);
        _object = _compiler.Object("""
            #define ENUM_VALUE(type, name) __builtin_preserve_enum_value(*(type *)name, 1)
            enum wide { FIRST = 1, LAST = 0x500000002ULL };
            struct inner { int value; };
            struct outer { struct inner *tagged; } CORE;
            typedef struct inner *pointer;
            SEC("tc") long program(struct outer *outer) {
                return outer->tagged != 0 && ENUM_VALUE(enum wide, LAST) + __builtin_preserve_type_info(*(pointer *)0, 1);
            }
            """);
    }

    public void Dispose() => _compiler.Dispose();

    private BtfBlob Make(MinimalBtfOptions options)
    {
        var blob = BtfBlob.Parse(MinimalBtf.Make(_kernel, [_object], options));
        Assert.Empty(BtfValidator.Check(blob));
        return blob;
    }

    private static string Text(BtfBlob blob)
    {
        using var text = new StringWriter();
        RawDump.Write(blob, text);
        return text.ToString();
    }

    [Fact]
    public void DefaultKeepsWhatTheKernelHas()
    {
        var kinds = Make(MinimalBtfOptions.Default).CountByKind();

        Assert.Equal((1, 2), (kinds[BtfKind.Enum64], kinds[BtfKind.TypeTag]));
    }

    [Fact]
    public void EnumOfItsSizeStandsInForEnum64()
    {
        var blob = Make(MinimalBtfOptions.Default with { WithoutEnum64 = true });

        var wide = blob.Find(BtfKind.Enum, "wide")!.Value;
        Assert.False(blob.CountByKind().ContainsKey(BtfKind.Enum64));
        Assert.Equal((8u, 2), (wide.SizeOrType, wide.Enumerators[1].Value));
    }

    [Fact]
    public void TaggedTypeStandsInForItsTags()
    {
        var blob = Make(MinimalBtfOptions.Default with { WithoutTags = true });

        var pointer = blob[blob.Find(BtfKind.Typedef, "pointer")!.Value.SizeOrType];
        Assert.False(blob.CountByKind().ContainsKey(BtfKind.TypeTag));
        Assert.Equal((BtfKind.Ptr, "inner"), (pointer.Kind, blob[pointer.SizeOrType].Name));
        Assert.Equal(Make(MinimalBtfOptions.Default).TypeCount - 2, blob.TypeCount);
    }

    [Fact]
    public void OtherByteOrderSaysTheSame()
    {
        var (little, big) = (Make(MinimalBtfOptions.Default with { BigEndian = false }), Make(MinimalBtfOptions.Default with { BigEndian = true }));

        Assert.Equal((false, true), (little.IsBigEndian, big.IsBigEndian));
        Assert.Equal(Text(little), Text(big));
    }
}
