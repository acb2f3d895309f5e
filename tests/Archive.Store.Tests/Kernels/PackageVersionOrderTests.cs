using Archive.Store.Kernels;
using TestKit;

namespace Archive.Store.Tests.Kernels;

public sealed class PackageVersionOrderTests
{
    [Theory]
    [InlineData("6.1.9-1", "6.1.171-1")]
    [InlineData("6.1.171-1~bpo11+1", "6.1.171-1")]
    [InlineData("6.1.171-1", "6.1.171-1+b1")]
    [InlineData("6.1.171-1", "1:6.1.1-1")]
    [InlineData("6.12~rc1-1", "6.12-1")]
    [InlineData("6.12~~", "6.12~")]
    [InlineData("5.10.0-8", "5.10.0-10")]
    [InlineData("1.0a", "1.0+")]
    [InlineData("99999999999999999998", "99999999999999999999")]
    public void TheOlderSortsFirst(string older, string newer)
    {
        Assert.True(PackageVersionOrder.Instance.Compare(older, newer) < 0);
        Assert.True(PackageVersionOrder.Instance.Compare(newer, older) > 0);
    }

    [Theory]
    [InlineData("6.1.171-1", "6.1.171-1")]
    [InlineData("0:6.1", "6.1")]
    [InlineData("6.01", "6.1")]
    [InlineData("", null)]
    public void EqualVersionsAreEqual(string? left, string? right) =>
        Assert.Equal(0, PackageVersionOrder.Instance.Compare(left, right));

    [Fact]
    public void DpkgAgrees()
    {
        string[] versions = ["6.1.9-1", "6.1.171-1", "6.1.171-1~bpo11+1", "6.1.171-1+b1", "1:6.1-1", "6.12~rc1-1", "6.12-1", "6.12~~", "6.12~", "6.12", "6.12+x", "6.12a", "6.12.0", "6.12-0", "0:6.12"];
        foreach (var left in versions)
            foreach (var right in versions)
                Assert.Equal(Dpkg(left, right), Math.Sign(PackageVersionOrder.Instance.Compare(left, right)));
    }

    private static int Dpkg(string left, string right) =>
        int.Parse(Tool.Run("sh", "-c", "dpkg --compare-versions \"$1\" lt \"$2\" && echo -1 || { dpkg --compare-versions \"$1\" gt \"$2\" && echo 1 || echo 0; }", "sh", left, right));
}
