using TestKit;

namespace Archive.EndToEnd.Tests;

/// <summary>What is under <c>infra</c> against the schemas and linters of its own kind, the alerts by their unit tests.</summary>
[Trait("Category", "Real")]
public sealed class InfraTests
{
    [Fact]
    public void ManifestsComposeFileAlertsAndDashboardAreWellFormed()
    {
        var cache = TestCache.Folder("validate");
        var result = Tool.Try(Path.Combine(Checkout.Root, "infra", "validate"), [cache]);
        Assert.True(result.Status == 0 && result.Output.EndsWith("all good\n", StringComparison.Ordinal), result.Output + result.Errors);
    }
}
