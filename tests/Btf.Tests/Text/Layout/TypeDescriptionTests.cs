using Btf.Format;
using Btf.Text.Layout;

namespace Btf.Tests.Text.Layout;

public sealed class TypeDescriptionTests
{
    [Fact]
    public void StructIsWrittenWithOffsetsHolesAndCacheLines()
    {
        var btf = new BtfFixture();
        var (number, letter) = (btf.Int(), btf.Int("char", 1, 8));
        var inner = btf.Struct("", 8, ("x", number, 0), ("y", letter, 32));
        btf.Composite(BtfKind.Struct, "s", 80, true, ("c", letter, 0), ("bits", number, 3u << 24 | 32), ("", inner, 64), ("a", btf.Array(letter, number, 50), 128), ("n", number, 544));

        Assert.Equal(
            """
            struct s {
            	char c;                                            /*     0     1 */

            	/* XXX 3 bytes hole, try to pack */

            	int bits:3;                                        /*     4: 0  4 */

            	/* XXX 29 bits hole, try to pack */

            	struct {
            		int x;                                     /*     8     4 */
            		char y;                                    /*    12     1 */
            	};                                                 /*     8     8 */

            	/* XXX last struct has 3 bytes of padding */

            	char a[50];                                        /*    16    50 */

            	/* XXX 2 bytes hole, try to pack */

            	/* --- cacheline 1 boundary (64 bytes) was 4 bytes ago --- */
            	int n;                                             /*    68     4 */

            	/* size: 80, cachelines: 2, members: 5 */
            	/* sum members: 63, holes: 2, sum holes: 5 */
            	/* sum bitfield members: 3 bits, bit holes: 1, sum bit holes: 29 bits */
            	/* padding: 8 */
            	/* paddings: 1, sum paddings: 3 */
            	/* last cacheline: 16 bytes */
            };

            """, Text(btf.Blob(), "s"));
    }

    [Theory]
    [InlineData("enum color", "enum color {\n\tRED   = 0,\n\tGREEN = 1,\n\n\t/* size: 4 */\n};\n")]
    [InlineData("number", "typedef const int number;\n")]
    [InlineData("call", "int call(volatile struct outer __attribute__((btf_type_tag(\"user\"))) *argument, union either either, ...);\n")]
    [InlineData("counter", "int counter;\n")]
    [InlineData("opaque", "struct opaque;\n")]
    [InlineData("wide", "enum wide {\n\tFAR = -2,\n\n\t/* size: 8 */\n};\n")]
    public void EveryKindHasADeclaration(string name, string expected) => Assert.Equal(expected, Text(BtfFixture.OfEveryKind().Blob(), name));

    [Fact]
    public void TagsOfAFunctionAreTold() => Assert.Equal(["kfunc"], Assert.Single(TypeDescription.Find(BtfFixture.OfEveryKind().Blob(), "call")).Tags);

    [Fact]
    public void KeywordChoosesTheKind()
    {
        var btf = new BtfFixture();
        var structure = btf.Struct("s", 4, ("n", btf.Int(), 0));
        btf.Type(BtfKind.Typedef, "s", sizeOrType: structure);

        Assert.Equal(["STRUCT", "TYPEDEF"], TypeDescription.Find(btf.Blob(), "s").Select(type => type.Kind));
        Assert.Equal("TYPEDEF", Assert.Single(TypeDescription.Find(btf.Blob(), "typedef s")).Kind);
        Assert.Empty(TypeDescription.Find(btf.Blob(), "enum s"));
    }

    [Fact]
    public void TypedefOfAStructWithoutNameShowsItsLayout()
    {
        var btf = new BtfFixture();
        btf.Type(BtfKind.Typedef, "pair", sizeOrType: btf.Struct("", 8, ("x", btf.Int(), 0), ("y", 1, 32)));

        Assert.StartsWith("typedef struct {\n\tint x; ", Text(btf.Blob(), "pair"), StringComparison.Ordinal);
    }

    private static string Text(BtfBlob blob, string name)
    {
        using var text = new StringWriter();
        Assert.Single(TypeDescription.Find(blob, name)).Write(text);
        return text.ToString();
    }
}
