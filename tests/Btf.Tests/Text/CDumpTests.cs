using Btf.Format;
using Btf.Text.CSource;

namespace Btf.Tests.Text;

public sealed class CDumpTests
{
    [Fact]
    public void ByteOrderDoesNotMatter() => Assert.Equal(Dump(BtfFixture.OfEveryKind().Blob()), Dump(BtfFixture.OfEveryKind(bigEndian: true).Blob()));

    [Fact]
    [Trait("Category", "Real")]
    public void EveryKindIsTheTextOfBpftool() => Assert.Equal(BpfTool.DumpC(BtfFixture.OfEveryKind().Bytes()), Definitions(BtfFixture.OfEveryKind()));

    [Fact]
    public void WhatIsPointedToIsDeclaredAndWhatIsEmbeddedDefinedFirst() => AssertDefines(
        """
        struct c {
        	int n;
        };

        struct b;

        struct a {
        	struct b *p;
        	struct c in;
        };

        struct b {
        	struct a *back;
        };
        """,
        btf =>
        {
            btf.Struct("a", 16, ("p", 2, 0), ("in", 4, 64));
            btf.Type(BtfKind.Ptr, sizeOrType: 3);
            btf.Struct("b", 8, ("back", 6, 0));
            btf.Struct("c", 4, ("n", 5, 0));
            btf.Int();
            btf.Type(BtfKind.Ptr, sizeOrType: 1);
        });

    [Fact]
    public void PointersArraysAndPrototypesAreTurnedInsideOut() => AssertDefines(
        """
        typedef int (* (*table[2][3])(const char *, ...))[4];

        typedef void f(void);
        """,
        btf =>
        {
            var (number, letter) = (btf.Int(), btf.Int("char", 1, 8));
            var text = btf.Type(BtfKind.Ptr, sizeOrType: btf.Type(BtfKind.Const, sizeOrType: letter));
            var result = btf.Type(BtfKind.Ptr, sizeOrType: btf.Array(number, number, 4));
            var call = btf.Type(BtfKind.Ptr, sizeOrType: btf.Prototype(result, ("", text), ("", 0)));
            btf.Type(BtfKind.Typedef, "table", sizeOrType: btf.Array(btf.Array(call, number, 3), number, 2));
            btf.Type(BtfKind.Typedef, "f", sizeOrType: btf.Prototype(0));
        });

    [Fact]
    public void SecondTypeOfANameBecomesAFlavour() => AssertDefines(
        """
        struct s {
        	int a;
        };

        struct s___2 {
        	int b;
        };

        enum {
        	ONE = 1,
        };

        enum {
        	ONE___2 = 1,
        };

        typedef int s;
        """,
        btf =>
        {
            var number = btf.Int();
            btf.Struct("s", 4, ("a", number, 0));
            btf.Struct("s", 4, ("b", number, 0));
            btf.Enum("", 4, ("ONE", 1));
            btf.Enum("", 4, ("ONE", 1));
            btf.Type(BtfKind.Typedef, "s", sizeOrType: number);
        });

    [Fact]
    public void HolesArePaddedAndUnnaturalPlacesPacked() => AssertDefines(
        """
        struct bits {
        	int a: 3;
        	char: 5;
        	int b: 4;
        	long: 0;
        	char c;
        	long: 0;
        };

        struct tight {
        	char c;
        	int n;
        } __attribute__((packed));

        struct wide {
        	char c;
        	long: 64;
        	int n;
        	long: 64;
        };
        """,
        btf =>
        {
            var (number, letter) = (btf.Int(), btf.Int("char", 1, 8));
            btf.Composite(BtfKind.Struct, "bits", 16, true, ("a", number, 3u << 24), ("b", number, 4u << 24 | 8), ("c", letter, 64));
            btf.Struct("tight", 5, ("c", letter, 0), ("n", number, 8));
            btf.Struct("wide", 32, ("c", letter, 0), ("n", number, 128));
        });

    [Fact]
    public void UnusedEnumWithoutNameIsThereForItsValues() => AssertDefines(
        """
        struct s {
        	enum {
        		USED = 0,
        	} e;
        };

        enum {
        	UNUSED = 4294967295,
        };

        enum far {
        	FAR = 18446744073709551614ULL,
        };
        """,
        btf =>
        {
            btf.Struct("s", 4, ("e", btf.Enum("", 4, ("USED", 0)), 0));
            btf.Enum("", 4, ("UNUSED", uint.MaxValue));
            btf.Type(BtfKind.Enum64, "far", 1, false, 8, btf.Name("FAR"), 0xffff_fffe, 0xffff_ffff);
        });

    [Fact]
    public void KernelFunctionsForProgramsGetPrototypes()
    {
        var btf = new BtfFixture();
        var function = btf.Type(BtfKind.Func, "bpf_do", 1, sizeOrType: btf.Prototype(btf.Int(), ("n", 1)));
        btf.Type(BtfKind.DeclTag, "bpf_kfunc", sizeOrType: function, trailing: [uint.MaxValue]);

        Assert.Contains("#ifndef BPF_NO_KFUNC_PROTOTYPES\nextern int bpf_do(int n) __weak __ksym;\n#endif\n", Dump(btf.Blob()), StringComparison.Ordinal);
    }

    [Fact]
    public void SplitBtfIsWrittenWithItsBase()
    {
        var kernel = BtfFixture.OfEveryKind().Blob();
        var module = new BtfFixture(firstId: kernel.EndId, firstNameOffset: kernel.EndNameOffset);
        module.Struct("inner", 4, ("own", 1, 0));

        var text = Dump(module.Blob(kernel));

        Assert.Contains("struct inner {\n\tint *p;", text, StringComparison.Ordinal);
        Assert.Contains("struct inner___2 {\n\tint own;\n};", text, StringComparison.Ordinal);
    }

    [Fact]
    public void RefusesTypeThatContainsItself()
    {
        var btf = new BtfFixture();
        btf.Struct("s", 4, ("s", 1, 0));

        Assert.Contains("contains itself", Assert.Throws<BtfFormatException>(() => Dump(btf.Blob())).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void RefusesTypesThatUnfoldWithoutEnd()
    {
        var btf = new BtfFixture();
        var inner = btf.Int();
        // Each struct without name holds the one before it twice: 2^60 members.
        for (var i = 0; i < 60; i++)
            inner = btf.Struct("", 8, ("a", inner, 0), ("b", inner, 32));
        btf.Struct("all", 8, ("m", inner, 0));

        Assert.Contains("unfold", Assert.Throws<BtfFormatException>(() => Dump(btf.Blob())).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(BtfKind.Const)]
    [InlineData(BtfKind.Ptr)]
    [InlineData(BtfKind.Typedef)]
    [InlineData(BtfKind.FuncProto)]
    [InlineData(BtfKind.Array)]
    public void RefusesTypesThatNestTooDeep(BtfKind kind)
    {
        var btf = new BtfFixture();
        for (uint id = 1; id < 100_000; id++)
            _ = kind == BtfKind.Array ? btf.Array(id + 1, id + 1, 1) : btf.Type(kind, kind == BtfKind.Typedef ? "t" : "", sizeOrType: id + 1);
        btf.Int();

        Assert.Contains("deeper than", Assert.Throws<BtfFormatException>(() => Dump(btf.Blob())).Message, StringComparison.Ordinal);
    }

    private static void AssertDefines(string expected, Action<BtfFixture> build)
    {
        var btf = new BtfFixture();
        build(btf);
        Assert.Equal(expected + "\n\n", Definitions(btf));
    }

    /// <summary>Without what stands before and behind the definitions in each header.</summary>
    private static string Definitions(BtfFixture btf)
    {
        var text = Dump(btf.Blob());
        var start = text.IndexOf("__attribute__((weak))\n#endif\n\n", StringComparison.Ordinal) + "__attribute__((weak))\n#endif\n\n".Length;
        return text[start..text.IndexOf("\n/* BPF kfuncs */", StringComparison.Ordinal)];
    }

    private static string Dump(BtfBlob blob)
    {
        using var text = new StringWriter();
        CDump.Write(blob, text);
        return text.ToString();
    }
}
