using Archive.Store.Blobs;
using Archive.Store.Blobs.Azure;
using TestKit;

namespace Archive.Store.Tests.Blobs;

/// <summary>The whole contract on a connection on which every fourth request goes wrong, in every way in turn.</summary>
[Trait("Category", "Real")]
public sealed class AzureFaultContractTests : BlobStoreContract, IAsyncLifetime
{
    private static readonly Fault[] Faults = [Fault.Reset, Fault.LostAnswer, Fault.Unavailable, Fault.HalfAnswer, Fault.WrongLength, Fault.WrongByte, Fault.WrongByteSent];
    private FaultProxy _proxy = null!;
    private AzureBlobStore _store = null!;
    private int _requests;

    protected override IBlobStore Store => _store;

    public async Task InitializeAsync()
    {
        _proxy = await FaultProxy.StartAsync(AzuriteServer.Shared.Url);
        _store = new AzureBlobStore(AzureFaultTests.Through(_proxy) with { NetworkTimeout = TimeSpan.FromSeconds(60) }, TimeProvider.System);
        await _store.InitialiseAsync(None);
        _proxy.Next = _ => Interlocked.Increment(ref _requests) is var n && n % 4 == 0 ? Faults[n / 4 % Faults.Length] : Fault.None;
    }

    public async Task DisposeAsync() => await _proxy.DisposeAsync();
}

/// <summary>One fault at a time.</summary>
[Trait("Category", "Real")]
public sealed class AzureFaultTests : IAsyncLifetime
{
    private FaultProxy _proxy = null!;
    private AzureBlobStore _store = null!;

    public static AzureOptions Through(FaultProxy proxy) => AzureBlobStoreTests.NewOptions() with
    {
        Connection = AzuriteServer.Shared.ConnectionString(proxy.Url),
        FirstRetryDelay = TimeSpan.FromMilliseconds(20),
        NetworkTimeout = TimeSpan.FromSeconds(10),
    };

    public async Task InitializeAsync()
    {
        _proxy = await FaultProxy.StartAsync(AzuriteServer.Shared.Url);
        _store = new AzureBlobStore(Through(_proxy), TimeProvider.System);
        await _store.InitialiseAsync(default);
    }

    public async Task DisposeAsync() => await _proxy.DisposeAsync();

    [Theory]
    [InlineData(Fault.Reset, 10)]
    [InlineData(Fault.LostAnswer, 10)]
    [InlineData(Fault.Unavailable, 10)]
    [InlineData(Fault.WrongByteSent, 10)]
    [InlineData(Fault.Slow, 10)]
    [InlineData(Fault.LostAnswer, 5_000_000)]
    [InlineData(Fault.WrongByteSent, 5_000_000)]
    public async Task WhatIsPutOnceIsThereAndOurs(Fault fault, int size)
    {
        var bytes = Bytes(size);
        foreach (var at in Enumerable.Range(1, 4)) // The look whether it is there, then the parts, then the commit.
        {
            FailOnly(at, fault);
            Assert.True(await _store.PutAsync($"a-{at}", new MemoryStream(bytes), PutMode.CreateOnly, default));
            _proxy.Next = _ => Fault.None;
            Assert.Equal(bytes, await ReadAsync($"a-{at}"));
        }
        Assert.Contains(fault, _proxy.Happened);
    }

    [Theory]
    [InlineData(Fault.Reset)]
    [InlineData(Fault.Unavailable)]
    [InlineData(Fault.HalfAnswer)]
    [InlineData(Fault.WrongLength)]
    [InlineData(Fault.WrongByte)]
    [InlineData(Fault.Slow)]
    public async Task WhatIsReadIsWhatWasPut(Fault fault)
    {
        var bytes = Bytes(3_000_000);
        await _store.PutAsync("a", new MemoryStream(bytes), PutMode.Replace, default);
        foreach (var at in Enumerable.Range(1, 3))
        {
            FailOnly(at, fault);
            Assert.Equal(bytes, await ReadAsync("a"));
        }
        Assert.Equal(3, _proxy.Happened.Count);
    }

    [Theory]
    [InlineData(Fault.Reset)]
    [InlineData(Fault.Unavailable)]
    public async Task AServiceThatStaysAwayIsAnErrorWithTheKey(Fault fault)
    {
        _proxy.Next = _ => fault;
        Assert.Contains("'a'", (await Assert.ThrowsAsync<BlobStoreException>(() => _store.StatAsync("a", default))).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<BlobStoreException>(() => _store.OpenReadAsync("a", default));
        await Assert.ThrowsAsync<BlobStoreException>(() => _store.PutAsync("a", new MemoryStream([1]), PutMode.Replace, default));
        await Assert.ThrowsAsync<BlobStoreException>(async () => await _store.ListAsync("", default).GetAsyncEnumerator().MoveNextAsync());
    }

    [Fact]
    public async Task ADeletionWhoseAnswerIsLostIsOne()
    {
        await _store.PutAsync("a", new MemoryStream([1]), PutMode.Replace, default);
        _proxy.Next = FirstOf(r => r.Method == "DELETE", Fault.LostAnswer);
        Assert.True(await _store.DeleteAsync("a", default));
        Assert.False(await _store.DeleteAsync("a", default));
    }

    private void FailOnly(int at, Fault fault)
    {
        var requests = 0;
        _proxy.Next = _ => Interlocked.Increment(ref requests) == at ? fault : Fault.None;
    }

    private static Func<Microsoft.AspNetCore.Http.HttpRequest, Fault> FirstOf(Func<Microsoft.AspNetCore.Http.HttpRequest, bool> which, Fault fault)
    {
        var seen = 0;
        return r => which(r) && Interlocked.Increment(ref seen) == 1 ? fault : Fault.None;
    }

    private async Task<byte[]> ReadAsync(string key)
    {
        await using var stream = (await _store.OpenReadAsync(key, default))!;
        var whole = new MemoryStream();
        await stream.CopyToAsync(whole);
        return whole.ToArray();
    }

    private static byte[] Bytes(int size)
    {
        var bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        return bytes;
    }
}
