using Btf.Format;
using Btf.Format.Validation;
using TestKit;

namespace Btf.Tests.Format;

public sealed class BtfDownLevelTests
{
    /// <summary>All the late kinds, and references through and past them.</summary>
    private const string Source = """
        #define TAGGED __attribute__((btf_type_tag("user")))
        enum large { SMALL = 1, LARGE = 0x123456789abULL };
        struct plain { float f; double d; enum large e; };
        struct __attribute__((btf_decl_tag("declared"))) tagged { int TAGGED *p; struct plain TAGGED * TAGGED *q; int n __attribute__((btf_decl_tag("member"))); };
        struct tagged t; struct plain p;
        int f(struct tagged *x) { return x->n; }
        """;

    private static readonly BtfBlob All = Compile();

    [Theory]
    [InlineData(BtfNovelties.All)]
    [InlineData(BtfNovelties.TypeTag)]
    [InlineData(BtfNovelties.DeclTag)]
    [InlineData(BtfNovelties.Float | BtfNovelties.Enum64)]
    public void NamedKindsAreGoneAndTheRestIsValid(BtfNovelties novelties)
    {
        var made = BtfBlob.Parse(BtfDownLevel.Without(All, novelties));
        var (before, after) = (All.CountByKind(), made.CountByKind());
        foreach (var (kind, novelty) in new[] { (BtfKind.Float, BtfNovelties.Float), (BtfKind.DeclTag, BtfNovelties.DeclTag), (BtfKind.TypeTag, BtfNovelties.TypeTag), (BtfKind.Enum64, BtfNovelties.Enum64) })
        {
            Assert.True(before.ContainsKey(kind), $"the source has no {kind}");
            Assert.Equal(novelties.HasFlag(novelty) ? 0 : before[kind], after.GetValueOrDefault(kind));
        }
        Assert.Equal(BtfValidator.Check(All).Count, BtfValidator.Check(made).Count); // Objects have sections whose size the linker is to fill in.
    }

    [Fact]
    public void LayoutsStayAsTheyWere()
    {
        var made = BtfBlob.Parse(BtfDownLevel.Without(All, BtfNovelties.All));
        foreach (var name in (string[])["plain", "tagged"])
        {
            var (was, now) = (All.Find(BtfKind.Struct, name)!.Value, made.Find(BtfKind.Struct, name)!.Value);
            Assert.Equal(was.SizeOrType, now.SizeOrType);
            for (var i = 0; i < was.Members.Count; i++)
                Assert.Equal((was.Members[i].Name, was.Members[i].BitOffset), (now.Members[i].Name, now.Members[i].BitOffset));
        }
    }

    [Fact]
    public void WithoutNoveltiesItIsTheSameTypes() =>
        Assert.Equal(All.Bytes.Span[All.Header.Types.Start..].ToArray(), BtfDownLevel.Without(All, BtfNovelties.None)[BtfWire.HeaderSize..]);

    [Theory]
    [InlineData("5.4", BtfNovelties.All)]
    [InlineData("5.15", BtfNovelties.DeclTag | BtfNovelties.TypeTag | BtfNovelties.Enum64)]
    [InlineData("5.17", BtfNovelties.Enum64)]
    [InlineData("6.1", BtfNovelties.None)]
    public void KernelsReadWhatTheyKnow(string kernel, BtfNovelties unknown) => Assert.Equal(unknown, BtfDownLevel.UnknownTo(Version.Parse(kernel)));

    private static BtfBlob Compile()
    {
        using var folder = new TempFolder();
        Tool.Run("clang-16", "-target", "bpf", "-g", "-O2", "-c", "-o", folder.File("a.o"), folder.Write("a.c", Source));
        return BtfFile.Open(folder.File("a.o"));
    }
}
