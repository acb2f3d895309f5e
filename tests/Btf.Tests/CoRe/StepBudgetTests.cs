using Btf.CoRe;

namespace Btf.Tests.CoRe;

/// <summary>What an upload may cost has a bound, however many relocations it has.</summary>
public sealed class StepBudgetTests
{
    private const int Members = 500;

    [Theory]
    [InlineData(CoreRelocationKind.TypeMatches, "0", 1000)]
    [InlineData(CoreRelocationKind.FieldExists, "0:499", 100_000)]
    public void RelocationsThatTogetherCostTooMuchAreRefused(CoreRelocationKind kind, string access, int count)
    {
        var btf = new BtfFixture();
        var integer = btf.Int();
        var root = btf.Struct("large", 4 * Members, [.. Enumerable.Range(0, Members).Select(i => ($"m{i}", integer, 32 * (uint)i))]);
        var relocation = new CoreRelocation(0, root, btf.AddString(access), kind);
        var blob = btf.Blob();
        var resolver = new CoreResolver(blob, new CoreTarget(blob));

        var failures = Enumerable.Range(0, count).Select(_ => resolver.Resolve(relocation).Failure).ToList();

        // Far more than real objects have are answered; then none is.
        Assert.Equal(CoreFailure.None, failures[0]);
        var first = failures.IndexOf(CoreFailure.TooComplex);
        Assert.InRange(first, count / 10, count - 1);
        Assert.All(failures[..first], failure => Assert.Equal(CoreFailure.None, failure));
        Assert.All(failures[first..], failure => Assert.Equal(CoreFailure.TooComplex, failure));
    }
}
