using Btf;
using Btf.Format;
using Btf.Format.Validation;
using Btf.Text;
using TestKit;

namespace Archive.Extractor.Tests.Conversion;

/// <summary>The converter on small programs, compiled here in every form it has to read, against pahole.</summary>
public sealed class CompiledObjectTests
{
    private const string Types = """
        typedef unsigned int u32;
        struct declared;
        enum later;
        union value { int number; float fraction; char text[8]; };
        struct bits { unsigned a : 3; int : 5; signed b : 7; unsigned long c : 33; u32 d : 1; enum { ZERO, ONE } e : 2; unsigned char f; } __attribute__((packed));
        struct flexible { int count; struct bits items[]; };
        enum wide { SMALL = -1, BIG = 0x123456789abcLL };
        enum negative { MINUS = -5, PLUS = 5 };
        enum later { NOW = 1, THEN = 2 };
        struct node { struct node *next; struct { union { int x; struct { char y, z; }; }; }; int (*call)(struct node *, const char *, ...); volatile const void *restrict raw; };
        struct holder { struct declared *unknown; enum later when; enum wide w; enum negative n; _Bool flag; long double ld; double d[2][3]; char empty[0]; union value v; struct flexible *f; };
        """;

    private const string Program = Types + """

        struct node head;
        struct holder holder;
        int plain(struct node *n, long size) { struct local { int inside; } l = { (int)size }; return n->x + l.inside; }
        static __attribute__((noinline)) int hidden(union value v, int n) { return v.number + n; }
        int variadic(const char *format, ...) { return format[0]; }
        void nothing(void) { }
        int main(int argc, char **argv) { nothing(); return plain(&head, argc) + hidden((union value){ .number = argc }, 3) + variadic(argv[0]); }
        """;

    public static TheoryData<string, string> Compilers => new()
    {
        { "gcc", "-gdwarf-5 -O0" },
        { "gcc", "-gdwarf-4 -O2" },
        { "gcc", "-gdwarf-3 -O0" },
        { "gcc", "-gdwarf-2 -gstrict-dwarf -O0" },
        { "aarch64-linux-gnu-gcc", "-gdwarf-5 -O2" },
        { "s390x-linux-gnu-gcc", "-gdwarf-5 -O2" },
        { "s390x-linux-gnu-gcc", "-gdwarf-4 -O0" },
    };

    [Theory]
    [MemberData(nameof(Compilers))]
    public void DataTypesOfALinkedProgramAreThoseOfPahole(string compiler, string flags)
    {
        using var folder = new TempFolder();
        AssertLikePahole(Compile(folder, compiler, flags + " -nostdlib -static -Wl,-emain", Program), folder);
    }

    [Theory]
    [MemberData(nameof(Compilers))]
    public void DataTypesOfARelocatableObjectAreThoseOfTheLinkedProgram(string compiler, string flags)
    {
        using var folder = new TempFolder();
        var linked = Convert(Compile(folder, compiler, flags + " -nostdlib -static -Wl,-emain", Program));
        var relocatable = Convert(Compile(folder, compiler, flags + " -c", Program));
        AssertSameDataTypes(relocatable, linked);
    }

    [Fact]
    public void CompressedDebugSectionsGiveTheSameBytes()
    {
        using var folder = new TempFolder();
        var plain = Convert(Compile(folder, "gcc", "-g -nostdlib -static -Wl,-emain -gz=none", Program));
        Assert.Equal(plain, Convert(Compile(folder, "gcc", "-g -nostdlib -static -Wl,-emain -gz=zlib", Program)));
    }

    [Fact]
    public void TwoStructsOfOneNameAreKeptApartWithWhatRefersToThem()
    {
        using var folder = new TempFolder();
        var program = Link(folder,
            "struct same { int a; }; struct user { struct same *s; int n; }; struct user one; ",
            "struct same { long b; long c; }; struct user { struct same *s; int n; }; struct user two; ",
            "struct same; struct user { struct same *s; int n; }; struct user three; int main(void) { return three.n; }");
        AssertLikePahole(program, folder);
        var btf = BtfBlob.Parse(Convert(program));
        Assert.Equal(2, Enumerable.Range(1, btf.TypeCount).Count(i => btf[(uint)i] is { Kind: BtfKind.Struct, Name: "same" }));
        Assert.Equal(2, Enumerable.Range(1, btf.TypeCount).Count(i => btf[(uint)i] is { Kind: BtfKind.Struct, Name: "user" }));
    }

    [Fact]
    public void DeclarationTakesTheDefinitionOfAnotherUnit()
    {
        using var folder = new TempFolder();
        var program = Link(folder,
            "struct whole { int a; }; enum e { A, B }; struct whole w; enum e v;",
            "struct whole; enum e; struct user { struct whole *s; enum e *p; }; struct user u; int main(void) { return u.s == 0; }");
        AssertLikePahole(program, folder);
        Assert.DoesNotContain(BtfKind.Fwd, BtfBlob.Parse(Convert(program)).CountByKind().Keys);
    }

    [Fact]
    public void TwoStructsOfOneNameInOneUnitAreKeptApart()
    {
        using var folder = new TempFolder();
        var program = Link(folder, """
            int f(int x) { struct data { int a; } d = { x }; struct data *p = &d; return p->a; }
            int g(int x) { struct data { long b; struct data *next; } d = { x, 0 }; struct data *p = &d; return (int)p->b; }
            int main(void) { return f(1) + g(2); }
            """);
        AssertLikePahole(program, folder);
    }

    [Fact]
    public void WhatOneUnitDefinesTwiceAnotherCanStillName()
    {
        using var folder = new TempFolder();
        var program = Link(folder,
            "struct data { int a; }; struct first { struct data *p; }; struct first one;",
            """
            int f(int x) { struct data { long b; } d = { x }; struct data *p = &d; return (int)p->b; }
            int g(int x) { struct data { char c; } d = { (char)x }; struct data *p = &d; return p->c; }
            """,
            "struct data { long b; }; struct third { struct data *p; }; struct third three; int main(void) { return three.p == 0; }");
        AssertLikePahole(program, folder);
        var btf = BtfBlob.Parse(Convert(program));
        var pointer = btf.Find(BtfKind.Struct, "third")!.Value.Members[0].TypeId;
        Assert.Equal("b", btf[btf[pointer].SizeOrType].Members[0].Name);
    }

    /// <summary>clang writes a function that is inlined as well behind its instances; their parameters are its parameters then.</summary>
    [Theory]
    [InlineData("-gdwarf-5")]
    [InlineData("-gdwarf-4")]
    public void FunctionsThatClangInlinesAndCallsAreThoseOfPahole(string version)
    {
        using var folder = new TempFolder();
        var program = Compile(folder, "clang", $"{version} -O2 -nostdlib -static -Wl,-emain", """
            struct state { long count; int flags; };
            int sink(struct state *s, int n);
            static inline int both(struct state *s, int n) { s->count += sink(s, n); return sink(s, n + 1) + n; }
            int (*volatile taken)(struct state *, int) = both;
            __attribute__((noinline)) int sink(struct state *s, int n) { return (int)(s->count << n); }
            int first(struct state *s, int n) { return both(s, n) * 3; }
            int main(int argc, char **argv) { struct state s = { argc, 0 }; return first(&s, argc) + both(&s, 4) + taken(&s, 5); }
            """);
        AssertLikePahole(program, folder);
        var btf = BtfBlob.Parse(Convert(program));
        var functions = Enumerable.Range(1, btf.TypeCount).Select(i => btf[(uint)i]).Where(t => t.Kind == BtfKind.Func).Select(t => t.Name);
        Assert.Equal(["both", "first", "main", "sink"], functions.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void FunctionNamedAtTwoAddressesIsLeftOut()
    {
        using var folder = new TempFolder();
        var program = Link(folder,
            "static __attribute__((noinline)) int twice(int x) { return x + 1; } int a(int x) { return twice(x); }",
            "static __attribute__((noinline)) int twice(int x) { return x + 2; } int a(int x); int main(void) { return twice(a(1)); }");
        var btf = BtfBlob.Parse(Convert(program));
        var functions = Enumerable.Range(1, btf.TypeCount).Select(i => btf[(uint)i]).Where(t => t.Kind == BtfKind.Func).Select(t => t.Name).ToList();
        Assert.Contains("main", functions);
        Assert.Contains("a", functions);
        Assert.DoesNotContain("twice", functions);
    }

    [Fact]
    public void ProgramWithoutDebugInformationIsToldApart()
    {
        using var folder = new TempFolder();
        Assert.Throws<NoDebugInfoException>(() => Convert(Compile(folder, "gcc", "-g0", Program)));
    }

    [Fact]
    public void DamagedImagesRaiseTypedErrorsOnly()
    {
        using var folder = new TempFolder();
        var good = File.ReadAllBytes(Compile(folder, "gcc", "-gdwarf-5 -O2 -c", Program));
        var old = File.ReadAllBytes(Compile(folder, "gcc", "-gdwarf-4 -O2 -nostdlib -static -Wl,-emain", Program));
        var random = new Random(20261121);
        var clock = System.Diagnostics.Stopwatch.StartNew();
        var refused = 0;
        for (var i = 0; i < 4000 && clock.Elapsed < TimeSpan.FromSeconds(12); i++)
        {
            var bytes = (byte[])(i % 2 == 0 ? good : old).Clone();
            for (var n = random.Next(1, 20); n > 0; n--)
                bytes[random.Next(bytes.Length)] = (byte)(random.Next(3) == 0 ? 0xff : random.Next(256));
            if (random.Next(5) == 0)
                Array.Resize(ref bytes, random.Next(bytes.Length));
            try
            {
                using var image = Btf.Elf.ElfImage.FromBytes(bytes);
                VmlinuxConverter.Convert(image, new ConversionOptions(BtfSource.Dwarf, 1));
            }
            catch (Exception e) when (e is MalformedInputException or UnsupportedImageException or NoDebugInfoException)
            {
                refused++;
            }
        }
        Assert.True(refused > 100, $"only {refused} damaged images were refused");
    }

    private static string Compile(TempFolder folder, string compiler, string flags, string source)
    {
        var output = folder.File($"out-{Guid.NewGuid():n}");
        Tool.Run(compiler, [.. flags.Split(' '), "-w", "-o", output, folder.Write("source.c", source)]);
        return output;
    }

    private static string Link(TempFolder folder, params string[] sources)
    {
        var output = folder.File("linked");
        Tool.Run("gcc", ["-g", "-w", "-o", output, .. sources.Select((text, i) => folder.Write($"unit{i}.c", text))]);
        return output;
    }

    private static byte[] Convert(string path) => VmlinuxConverter.Convert(path, new ConversionOptions(BtfSource.Dwarf, 2)).Bytes;

    private static void AssertLikePahole(string program, TempFolder folder)
    {
        var ours = Convert(program);
        Assert.Empty(BtfValidator.Check(BtfBlob.Parse(ours)));
        var reference = folder.File("reference.btf");
        Tool.Run("pahole", "-j1", "--btf_gen_floats", $"--btf_encode_detached={reference}", program);
        AssertSameDataTypes(ours, File.ReadAllBytes(reference));
    }

    private static void AssertSameDataTypes(byte[] ours, byte[] theirs)
    {
        var diff = BtfDiff.Compare(BtfBlob.Parse(ours), BtfBlob.Parse(theirs));
        using var text = new StringWriter();
        diff.Write(text);
        Assert.True(diff.Kinds.Where(k => k.Kind is not (BtfKind.Func or BtfKind.FuncProto)).All(k => k.AreEqual), text.ToString());
    }
}
