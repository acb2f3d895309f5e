using System.Net;
using System.Text.Json.Nodes;
using Archive.Store.Kernels;

namespace Archive.Api.Tests;

/// <summary>Filters of <c>/v1/kernels</c>.</summary>
public sealed class KernelListTests : IClassFixture<KernelListTests.Kernels>
{
    private readonly ApiFixture _api;

    public KernelListTests(Kernels kernels) => _api = kernels.Api;

    public sealed class Kernels : IAsyncLifetime
    {
        public ApiFixture Api { get; } = new();

        public async Task InitializeAsync()
        {
            var btf = ApiFixture.MakeBtf("listed");
            await Api.PublishAsync(ApiFixture.Build("6.1.0-1-amd64"), btf);
            await Api.PublishAsync(ApiFixture.Build("6.1.0-2-cloud-amd64"), btf);
            await Api.PublishAsync(ApiFixture.Build("6.1.0-2-arm64", arch: "arm64"), btf);
            await Api.PublishAsync(ApiFixture.Build("5.10.0-1-amd64", version: "11"), btf);
            await Api.PublishAsync(ApiFixture.Build("6.12.117+deb13-amd64", version: "13"), btf);
            await Api.PublishAsync(ApiFixture.Build("5.14.0-427.el9.x86_64", distro: "rocky", version: "9"), btf);
            await Api.Store.Catalogue.SeenAsync(ApiFixture.Build("6.1.0-3-amd64"), default);
            await Api.Store.Catalogue.RecordOutcomeAsync(ApiFixture.Build("6.1.0-4-amd64"), Outcome.Malformed, "damaged", null, default);
        }

        public Task DisposeAsync()
        {
            Api.Dispose();
            return Task.CompletedTask;
        }
    }

    [Theory]
    [InlineData("distro=rocky", "5.14.0-427.el9.x86_64")]
    [InlineData("distro=Debian&version=bullseye", "5.10.0-1-amd64")]
    [InlineData("distro=debian&version=12&arch=aarch64", "6.1.0-2-arm64")]
    [InlineData("uname=*cloud*", "6.1.0-2-cloud-amd64")]
    [InlineData("uname=6.1.0-?-amd64", "6.1.0-1-amd64 6.1.0-3-amd64 6.1.0-4-amd64")]
    [InlineData("uname=6.12.117+deb13-amd64", "6.12.117+deb13-amd64")]
    [InlineData("uname=6_1*", "")]
    [InlineData("uname=6.1.0-1-amd6%25", "")]
    [InlineData("outcome=pending", "6.1.0-3-amd64")]
    [InlineData("outcome=malformed", "6.1.0-4-amd64")]
    [InlineData("outcome=published&version=12&arch=amd64", "6.1.0-1-amd64 6.1.0-2-cloud-amd64")]
    [InlineData("arch=s390x", "")]
    public async Task FiltersHoldTogether(string query, string expected)
    {
        var kernels = (await _api.GetAsync("/v1/kernels?" + query))["kernels"]!.AsArray();
        Assert.Equal(expected.Split(' ', StringSplitOptions.RemoveEmptyEntries), kernels.Select(Uname).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("limit=1")]
    [InlineData("limit=3")]
    [InlineData("limit=8")]
    public async Task PagesHaveEachOnceInOrder(string query)
    {
        var seen = new List<long>();
        for (var next = "/v1/kernels?" + query; next is not null;)
        {
            var page = await _api.GetAsync(next);
            seen.AddRange(page["kernels"]!.AsArray().Select(k => k!["sequence"]!.GetValue<long>()));
            next = page["next"]?.GetValue<string>();
        }
        Assert.Equal(8, seen.Count);
        Assert.Equal(seen.Distinct().Order(), seen);
    }

    [Fact]
    public async Task FilterIsKeptFromPageToPage()
    {
        var page = await _api.GetAsync("/v1/kernels?distro=debian&version=12&outcome=published&limit=2");
        Assert.Single((await _api.GetAsync(page["next"]!.GetValue<string>()))["kernels"]!.AsArray());
    }

    [Fact]
    public async Task LinesAreTheSameKernels()
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/kernels?distro=debian");
        request.Headers.Add("Accept", "application/x-ndjson");
        using var answer = await _api.Client.SendAsync(request);
        var lines = (await answer.Content.ReadAsStringAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var page = (await _api.GetAsync("/v1/kernels?distro=debian"))["kernels"]!.AsArray();
        Assert.Equal(page.Select(k => k!.ToJsonString()), lines.Select(l => JsonNode.Parse(l)!.ToJsonString()));
    }

    [Theory]
    [InlineData("outcome=none")]
    [InlineData("limit=0")]
    [InlineData("limit=1001")]
    [InlineData("distro=a%2Fb")]
    [InlineData("arch=..")]
    [InlineData("uname=*****")]
    public async Task WrongFiltersAreProblems(string query) =>
        Assert.Equal(HttpStatusCode.BadRequest, (await _api.Client.GetAsync(new Uri("/v1/kernels?" + query, UriKind.Relative))).StatusCode);

    private static string Uname(JsonNode? kernel) => kernel!["uname"]!.GetValue<string>();
}
