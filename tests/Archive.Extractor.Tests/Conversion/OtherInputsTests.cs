using Btf.Format;
using Btf.Format.Validation;
using Btf.Text;
using TestKit;

namespace Archive.Extractor.Tests.Conversion;

/// <summary>
/// DWARF in the forms that other distros, linkers and compilers give it. Each form is made of a program that is also
/// compiled plainly: both must give the same BTF, type for type.
/// </summary>
public sealed class OtherInputsTests : IDisposable
{
    private const string Header = """
        struct inner { int a; struct outer *back; unsigned bits : 5; };
        struct outer { struct inner in; union { long l; void *p; } u; enum color { RED, GREEN = 70000 } c; const char *name; int (*op)(struct outer *, long); };
        typedef struct { struct outer o[4]; } many_t;
        struct only_declared;
        static inline int shared_inline(struct outer *o) { return o->in.a + o->c; }
        """;

    private const string First = Header + """

        struct private_thing { many_t *many; struct only_declared *d; };
        struct private_thing one;
        __attribute__((noinline)) int first(struct outer *o, many_t *m) { return shared_inline(o) + m->o[1].in.a; }
        """;

    private const string Second = Header + """

        struct private_thing { long other; struct outer *o; };
        struct private_thing two;
        extern int first(struct outer *, many_t *);
        int second(struct inner *i, struct private_thing *p) { return shared_inline(i->back) + (int)p->other; }
        int main(void) { many_t m; return first(&m.o[0], &m) + second(&m.o[0].in, &two); }
        """;

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private string Build(string name, string compiler, string flags, params (string File, string Text)[] sources)
    {
        var output = _folder.File(name);
        if (sources.Length == 0)
            sources = [("first.c", First), ("second.c", Second)];
        Tool.Run(compiler, [.. flags.Split(' ', StringSplitOptions.RemoveEmptyEntries), "-w", "-o", output, .. sources.Select(s => _folder.Write(s.File, s.Text))]);
        return output;
    }

    private static ConvertedKernel Convert(string path) => VmlinuxConverter.Convert(path, new ConversionOptions(BtfSource.Dwarf, 2) { FollowsDebugLinks = true });

    private static void AssertSame(byte[] expected, byte[] actual, params BtfKind[] except)
    {
        Assert.Empty(BtfValidator.Check(BtfBlob.Parse(actual)));
        Assert.Empty(BtfValidator.CheckDeduplicated(BtfBlob.Parse(actual)));
        var diff = BtfDiff.Compare(BtfBlob.Parse(expected), BtfBlob.Parse(actual));
        using var text = new StringWriter();
        diff.Write(text);
        Assert.True(diff.Kinds.Where(k => !except.Contains(k.Kind)).All(k => k.AreEqual), text.ToString());
        Assert.True(BtfBlob.Parse(actual).Find(BtfKind.Struct, "outer") is not null);
    }

    [Theory]
    [InlineData("-gdwarf-5")]
    [InlineData("-gdwarf-4")]
    public void PartialUnitsOfDwzAreResolved(string version)
    {
        var plain = Build("plain", "gcc", $"{version} -O1");
        var small = _folder.File("dwz");
        // The threshold for moving DIEs to a partial unit is some size; enough units that share types reach it.
        var sources = Enumerable.Range(0, 12).Select(i => ($"u{i}.c", Header + $"\nint use{i}(struct outer *o, many_t *m, struct private{i} {{ int x{i}; many_t *y; }} *p) {{ return o->c + p->x{i}; }}")).Append(("main.c", Second.Replace("int main", "int first(struct outer *a, many_t *b) { return 0; } int main", StringComparison.Ordinal))).ToArray();
        plain = Build("many", "gcc", $"{version} -O1", sources);
        Tool.Run("dwz", "-o", small, plain);
        Assert.Contains("DW_TAG_imported_unit", Tool.Run("readelf", "--debug-dump=info", small), StringComparison.Ordinal);

        AssertSame(Convert(plain).Bytes, Convert(small).Bytes);
    }

    [Fact]
    public void SupplementaryFileOfDwzIsReadWhereItIsAtHand()
    {
        var sources = (string name) => new[] { ($"{name}1.c", First.Replace("first(", $"first_{name}(", StringComparison.Ordinal)), ($"{name}2.c", Header + $"\nint main(void) {{ struct outer o; return sizeof(o); }}") };
        var left = Build("left", "gcc", "-gdwarf-5", sources("left"));
        var right = Build("right", "gcc", "-gdwarf-5", sources("right"));
        var expected = Convert(left).Bytes;
        Tool.Run("dwz", "-m", _folder.File("common.debug"), "-M", "common.debug", left, right);
        Assert.Contains("gnu_debugaltlink", Tool.Run("readelf", "-S", "-W", left), StringComparison.Ordinal);

        AssertSame(expected, Convert(left).Bytes);

        File.Delete(_folder.File("common.debug"));
        Assert.Contains("common.debug", Assert.Throws<UnsupportedImageException>(() => Convert(left)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("-gdwarf-5")]
    [InlineData("-gdwarf-4")]
    public void ReferencesAcrossUnitsOfLinkTimeOptimizationAreResolved(string version)
    {
        var lto = Build("lto", "clang", $"{version} -O2 -flto -fuse-ld=lld");
        Assert.Contains("DW_FORM_ref_addr", Tool.Run("readelf", "--debug-dump=abbrev", lto), StringComparison.Ordinal);
        var reference = _folder.File("reference.btf");
        Tool.Run("pahole", "-j1", "--btf_gen_floats", $"--btf_encode_detached={reference}", lto);

        AssertSame(File.ReadAllBytes(reference), Convert(lto).Bytes);
    }

    [Fact]
    public void IndexedStringsAndAddressesOfClangAreRead()
    {
        var indexed = Build("indexed", "clang", "-gdwarf-5 -O1");
        Assert.Contains("DW_FORM_strx", Tool.Run("readelf", "--debug-dump=abbrev", indexed), StringComparison.Ordinal);
        var reference = _folder.File("reference.btf");
        Tool.Run("pahole", "-j1", "--btf_gen_floats", $"--btf_encode_detached={reference}", indexed);

        AssertSame(File.ReadAllBytes(reference), Convert(indexed).Bytes);
    }

    [Theory]
    [InlineData("-gdwarf-5")]
    [InlineData("-gdwarf-4")]
    public void TypeUnitsAreRead(string version)
    {
        var plain = Build("plain", "gcc", $"{version} -O1");
        var units = Build("units", "gcc", $"{version} -O1 -fdebug-types-section");
        Assert.Contains("signature", Tool.Run("readelf", "--debug-dump=info", units), StringComparison.OrdinalIgnoreCase);

        AssertSame(Convert(plain).Bytes, Convert(units).Bytes);
    }

    [Fact]
    public void SplitDebugFileWithoutContentsIsRead()
    {
        var whole = Build("whole", "gcc", "-gdwarf-5 -O1");
        var debug = _folder.File("whole.debug");
        Tool.Run("objcopy", "--only-keep-debug", whole, debug);
        Assert.Matches(@"\.text\s+NOBITS", Tool.Run("readelf", "-S", "-W", debug));

        AssertSame(Convert(whole).Bytes, Convert(debug).Bytes);
    }

    [Fact]
    public void DebugLinkIsFollowedAndItsChecksumChecked()
    {
        var whole = Build("image", "gcc", "-gdwarf-5 -O1");
        var expected = Convert(whole).Bytes;
        var debug = _folder.File("image.debug");
        Tool.Run("objcopy", "--only-keep-debug", whole, debug);
        Tool.Run("objcopy", "--strip-debug", $"--add-gnu-debuglink={debug}", whole);

        AssertSame(expected, Convert(whole).Bytes);
        Assert.Throws<NoDebugInfoException>(() => VmlinuxConverter.Convert(whole, new ConversionOptions(BtfSource.Dwarf, 1)));

        File.AppendAllText(debug, "another file");
        Assert.Contains("checksum", Assert.Throws<UnsupportedImageException>(() => Convert(whole)).Message, StringComparison.Ordinal);
        File.Delete(debug);
        Assert.Throws<NoDebugInfoException>(() => Convert(whole));
    }

    [Fact]
    public void UnitsOfOtherLanguagesAreCountedAndLeftOut()
    {
        var mixed = Build("mixed", "gcc", "-gdwarf-5 -O1", ("first.c", First), ("second.c", Second));
        var foreign = _folder.File("foreign.o");
        Tool.Run("clang", "-x", "c++", "-c", "-gdwarf-5", "-o", foreign, _folder.Write("foreign.cc", "namespace n { struct klass { virtual int f(); int x; }; } int use(n::klass *k) { return k->f(); } int n::klass::f() { return x; }"));
        var both = _folder.File("both");
        Tool.Run("gcc", "-gdwarf-5", "-O1", "-w", "-nostdlib", "-static", "-Wl,-emain", "-Wl,--unresolved-symbols=ignore-all", "-o", both, _folder.File("first.c"), _folder.File("second.c"), foreign);

        var converted = Convert(both);
        Assert.Equal(1, converted.Facts.SkippedUnits);
        Assert.Null(BtfBlob.Parse(converted.Bytes).Find(BtfKind.Struct, "klass"));
        AssertSame(Convert(mixed).Bytes, converted.Bytes);
    }

    [Fact]
    public void TagsOfClangAreKept()
    {
        const string source = """
            #define __rcu __attribute__((btf_type_tag("rcu")))
            #define __user __attribute__((btf_type_tag("user")))
            #define __tag(x) __attribute__((btf_decl_tag(x)))
            struct item { int plain; int tagged __tag("field"); char __user *text; struct item __rcu *next; } __tag("whole");
            struct item head;
            __tag("function") int use(struct item *i, int __attribute__((btf_decl_tag("argument"))) n) { return i->plain + n; }
            int main(void) { return use(&head, 1); }
            """;
        var program = Build("tags", "clang", "-gdwarf-5 -O1", ("tags.c", source));
        var text = new StringWriter();
        RawDump.Write(BtfBlob.Parse(Convert(program).Bytes), text);

        var reference = _folder.File("tags.btf");
        Tool.Run("pahole", "-j1", "--btf_gen_floats", $"--btf_encode_detached={reference}", program);
        AssertKinds(File.ReadAllBytes(reference), Convert(program).Bytes, BtfKind.TypeTag, BtfKind.Ptr, BtfKind.Struct);
        Assert.Contains("DECL_TAG 'whole'", text.ToString(), StringComparison.Ordinal);
        Assert.Matches(@"DECL_TAG 'field' type_id=\d+ component_idx=1", text.ToString());
        Assert.Matches(@"DECL_TAG 'argument' type_id=\d+ component_idx=1", text.ToString());
        Assert.Contains("DECL_TAG 'function'", text.ToString(), StringComparison.Ordinal);

        var without = VmlinuxConverter.Convert(program, new ConversionOptions(BtfSource.Dwarf, 1) { Features = BtfFeatures.Btfhub });
        Assert.DoesNotContain(without.TypeCounts.Keys, k => k is BtfKind.DeclTag or BtfKind.TypeTag);
    }

    [Fact]
    public void FeaturesThatAreOffLeaveTheOlderKinds()
    {
        const string source = """
            enum wide { SMALL = 1, BIG = 0x123456789abcLL };
            enum negative { MINUS = -1, ZERO };
            struct has { double d; float f; enum wide w; enum negative n; };
            struct has one;
            int main(void) { return one.n; }
            """;
        var program = Build("old", "gcc", "-gdwarf-5 -O0", ("old.c", source));
        var none = VmlinuxConverter.Convert(program, new ConversionOptions(BtfSource.Dwarf, 1) { Features = BtfFeatures.None });
        var reference = _folder.File("old.btf");
        Tool.Run("pahole", "-j1", "--skip_encoding_btf_enum64", "--skip_encoding_btf_vars", $"--btf_encode_detached={reference}", program);

        Assert.DoesNotContain(none.TypeCounts.Keys, k => k is BtfKind.Float or BtfKind.Enum64 or BtfKind.Var);
        AssertKinds(File.ReadAllBytes(reference), none.Bytes, BtfKind.Int, BtfKind.Struct, BtfKind.Enum);
    }

    private static void AssertKinds(byte[] expected, byte[] actual, params BtfKind[] kinds)
    {
        var diff = BtfDiff.Compare(BtfBlob.Parse(expected), BtfBlob.Parse(actual));
        using var text = new StringWriter();
        diff.Write(text);
        Assert.True(kinds.All(kind => diff[kind].AreEqual), text.ToString());
    }
}
