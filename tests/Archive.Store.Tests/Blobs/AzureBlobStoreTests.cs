using Archive.Store.Blobs;
using Archive.Store.Blobs.Azure;
using Azure.Storage.Blobs;
using Azure.Storage.Sas;
using TestKit;

namespace Archive.Store.Tests.Blobs;

/// <summary>Against a real Azurite, each test in a container of its own.</summary>
[Trait("Category", "Real")]
public sealed class AzureBlobStoreTests : BlobStoreContract, IAsyncLifetime
{
    private readonly AzureOptions _options = NewOptions();
    private readonly AzureBlobStore _store;

    public AzureBlobStoreTests() => _store = new AzureBlobStore(_options, TimeProvider.System);

    protected override IBlobStore Store => _store;

    public static AzureOptions NewOptions() => new() { Connection = AzuriteServer.Shared.ConnectionString(), Container = $"test-{Guid.NewGuid():n}" };

    public Task InitializeAsync() => _store.InitialiseAsync(None);

    public Task DisposeAsync() => Task.CompletedTask;

    [Fact]
    public async Task SeveralStartAtOnceOnOneContainer()
    {
        var options = NewOptions();
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => new AzureBlobStore(options, TimeProvider.System).InitialiseAsync(None))));
    }

    [Fact]
    public async Task ArchivesOfOneAccountKeepApart()
    {
        var other = new AzureBlobStore(NewOptions(), TimeProvider.System);
        await other.InitialiseAsync(None);
        await PutAsync("a", "x");
        Assert.Null(await other.StatAsync("a", None));
    }

    [Fact]
    public async Task ABlobHasItsMd5AndType()
    {
        await PutAsync("a.json", "{}");
        var properties = (await Container.GetBlobClient("a.json").GetPropertiesAsync()).Value;
        Assert.Equal("99914b932bd37a50b983c5e7c90ae93b", Convert.ToHexStringLower(properties.ContentHash));
        Assert.Equal("application/json", properties.ContentType);
    }

    /// <summary>
    /// A page is asked for when the one before is read through, and none is kept: a list of any length takes the memory of a page. (Another length by
    /// BTF_ARCHIVE_TEST_BLOBS.)
    /// </summary>
    [Fact]
    public async Task ALongListComesPageByPage()
    {
        var length = int.TryParse(Environment.GetEnvironmentVariable("BTF_ARCHIVE_TEST_BLOBS"), out var set) ? set : 250;
        const int Page = 100;
        await Parallel.ForAsync(0, length, async (i, _) => await PutAsync($"many/{i:d7}", ""));
        await using var proxy = await FaultProxy.StartAsync(AzuriteServer.Shared.Url);
        var (asked, keys) = (0, 0);
        proxy.Next = request =>
        {
            asked += request.Query["comp"] == "list" ? 1 : 0;
            return Fault.None;
        };
        var store = new AzureBlobStore(_options with { Connection = AzuriteServer.Shared.ConnectionString(proxy.Url) }, TimeProvider.System) { PageSize = Page };
        await foreach (var key in store.ListAsync("many/", None))
        {
            Assert.Equal($"many/{keys++:d7}", key);
            Assert.Equal((keys + Page - 1) / Page, asked);
        }
        Assert.Equal(length, keys);
    }

    [Fact]
    public async Task AContainerSasIsEnough()
    {
        await PutAsync("a", "x");
        var store = new AzureBlobStore(_options with { Connection = SasConnection() }, TimeProvider.System);
        await store.InitialiseAsync(None);
        await store.CopyAsync("a", "b", None);
        Assert.Equal("x", await ReadAsync("b"));
        await Assert.ThrowsAsync<BlobStoreException>(() => new AzureBlobStore(_options with { Connection = SasConnection(), Container = "another" }, TimeProvider.System).StatAsync("a", None));
    }

    [Fact]
    public async Task ALinkNeedsNoKeyAndPassesAway()
    {
        await PutAsync("dir/a", "bytes");
        var link = await new AzureBlobStore(_options with { Redirect = RedirectKind.Sas }, TimeProvider.System).LinkAsync("dir/a", TimeSpan.FromMinutes(5), None);
        using var client = new HttpClient();
        Assert.Equal("bytes", await client.GetStringAsync(link));
        var past = new AzureBlobStore(_options with { Redirect = RedirectKind.Sas }, new ShiftedClock(TimeSpan.FromHours(-1)));
        using var refused = await client.GetAsync(await past.LinkAsync("dir/a", TimeSpan.FromMinutes(5), None));
        Assert.Equal(System.Net.HttpStatusCode.Forbidden, refused.StatusCode);
        Assert.Null(await _store.LinkAsync("dir/a", TimeSpan.FromMinutes(5), None));
    }

    [Fact]
    public async Task ALinkByBaseUrlIsThePathBelowIt()
    {
        var store = new AzureBlobStore(_options with { Redirect = RedirectKind.Url, RedirectBase = new Uri("https://cdn.example/btf/") }, TimeProvider.System);
        Assert.Equal(new Uri("https://cdn.example/btf/dir/a"), await store.LinkAsync("dir/a", TimeSpan.FromMinutes(5), None));
    }

    /// <summary>It would hand out the archive's own.</summary>
    [Fact]
    public void LinksBySasNeedAKey() =>
        Assert.Throws<FormatException>(() => new AzureBlobStore(_options with { Connection = SasConnection(), Redirect = RedirectKind.Sas }, TimeProvider.System));

    [Fact]
    public async Task AContainerThatIsGoneIsNoAbsentBlob()
    {
        await Container.DeleteAsync();
        await Assert.ThrowsAsync<BlobStoreException>(() => _store.StatAsync("a", None));
        await Assert.ThrowsAsync<BlobStoreException>(() => _store.OpenReadAsync("a", None));
    }

    private BlobContainerClient Container => new(_options.Connection, _options.Container);

    private string SasConnection()
    {
        var sas = Container.GenerateSasUri(BlobContainerSasPermissions.All, DateTimeOffset.UtcNow.AddHours(1));
        return $"{AzuriteServer.Shared.Url}devstoreaccount1{sas.Query}";
    }

    private sealed class ShiftedClock(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + by;
    }
}
