using Btf.Format;
using Btf.Text;
using Btf.Text.CSource;

namespace Btf.Tests.Text;

public sealed class TypeUsersTests
{
    [Fact]
    public void UsersAreFoundThroughWhatHasNoName()
    {
        var btf = new BtfFixture();
        var number = btf.Int();
        var target = btf.Struct("target", 4, ("n", number, 0));
        var pointer = btf.Type(BtfKind.Ptr, sizeOrType: target);
        btf.Struct("by_pointer", 8, ("p", pointer, 0));
        btf.Struct("by_union", 8, ("", btf.Composite(BtfKind.Union, "", 8, false, ("p", pointer, 0)), 0));
        btf.Struct("by_callback", 8, ("call", btf.Type(BtfKind.Ptr, sizeOrType: btf.Prototype(number, ("arg", pointer))), 0));
        var alias = btf.Type(BtfKind.Typedef, "target_t", sizeOrType: target);
        btf.Struct("by_typedef", 4, ("t", alias, 0));
        btf.Type(BtfKind.Func, "takes", sizeOrType: btf.Prototype(0, ("arg", pointer)));
        btf.Type(BtfKind.Func, "takes_none", sizeOrType: btf.Prototype(number));

        var (users, count) = TypeUsers.Find(btf.Blob(), target, 0, 100);

        Assert.Equal(5, count);
        Assert.Equal(["by_pointer", "by_union", "by_callback", "target_t", "takes"], users.Select(user => user.Name));
        Assert.Equal("struct target *p", users[0].Declaration);
        Assert.Equal(("func", "void takes(struct target *arg)"), (users[4].Kind, users[4].Declaration));
    }

    [Fact]
    public void APageOfThemIsCutOut()
    {
        var btf = new BtfFixture();
        var target = btf.Struct("target", 0);
        for (var i = 0; i < 10; i++)
            btf.Struct($"user_{i}", 0, ("t", target, 0));

        var (users, count) = TypeUsers.Find(btf.Blob(), target, 4, 3);

        Assert.Equal(10, count);
        Assert.Equal(["user_4", "user_5", "user_6"], users.Select(user => user.Name));
    }

    [Fact]
    public void OneTypeIsWrittenWithWhatItNeedsAlone()
    {
        var btf = new BtfFixture();
        var number = btf.Int();
        var inner = btf.Struct("inner", 4, ("n", number, 0));
        btf.Struct("other", 4, ("n", number, 0));
        var pointed = btf.Struct("pointed", 4, ("n", number, 0));
        var outer = btf.Struct("outer", 16, ("in", inner, 0), ("p", btf.Type(BtfKind.Ptr, sizeOrType: pointed), 64));
        using var text = new StringWriter();

        CDump.Write(btf.Blob(), [outer], text);

        Assert.Equal("struct inner {\n\tint n;\n};\n\nstruct pointed;\n\nstruct outer {\n\tstruct inner in;\n\tstruct pointed *p;\n};\n\n", text.ToString());
    }
}
