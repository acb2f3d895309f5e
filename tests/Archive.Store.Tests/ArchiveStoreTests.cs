using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Archive.Store.Tests.Catalogue;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using TestKit;

namespace Archive.Store.Tests;

public sealed class ArchiveStoreTests : IDisposable
{
    private readonly TempFolder _data = new();

    [Fact]
    public async Task AnArchiveIsReadableAfterItIsOpenedAgain()
    {
        using (var first = await OpenAsync())
        {
            await first.Blobs.PutAsync("a", new MemoryStream([1, 2, 3]), PutMode.CreateOnly, default);
            await first.Catalogue.RecordPublicationAsync(Samples.Build(), Samples.Publication(), default);
        }
        using var second = await OpenAsync();
        Assert.Equal(3, (await second.Blobs.StatAsync("a", default))!.Size);
        Assert.Equal(Samples.Publication(), Assert.Single(await second.Catalogue.ListAsync(new KernelFilter(), default)).Publication);
    }

    [Fact]
    public async Task TheDataDirectoryHasTheLayoutThatIsDocumented()
    {
        using var store = await OpenAsync();
        await store.Blobs.PutAsync("debian/a", new MemoryStream(), PutMode.CreateOnly, default);
        using var work = store.Work.TryEnter("kernel")!;
        Assert.True(File.Exists(_data.File("new/data/tree/debian/a")));
        Assert.True(File.Exists(_data.File("new/data/catalogue.db")));
        Assert.Equal(_data.File("new/data/work/kernel"), work.FullPath);
    }

    [Fact]
    public async Task EveryBuildHasAWorkFolderOfItsOwn()
    {
        using var store = await OpenAsync();
        using var one = store.Work.TryEnter(Samples.Build(version: "6.1.171-1"));
        using var two = store.Work.TryEnter(Samples.Build(version: "6.1.171-2"));
        using var longest = store.Work.TryEnter(Samples.Build(uname: new string('u', 200)));
        Assert.NotNull(one);
        Assert.NotNull(two);
        Assert.NotNull(longest);
        Assert.Null(store.Work.TryEnter(Samples.Build(version: "6.1.171-1")));
    }

    [Fact]
    public async Task ItsPartsAreReadyBeforeAnyHostedServiceStarts()
    {
        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddHostedService<Early>();
        builder.Services.AddArchiveStore(new StoreOptions { DataDirectory = _data.File("di") });
        using var host = builder.Build();
        await host.StartAsync();
        Assert.Single(await host.Services.GetRequiredService<ICatalogue>().ListAsync(new KernelFilter(), default));
        Assert.Same(host.Services.GetRequiredService<ArchiveStore>().Blobs, host.Services.GetRequiredService<IBlobStore>());
        Assert.Same(host.Services.GetRequiredService<ArchiveStore>().Work, host.Services.GetRequiredService<WorkFolder>());
        await host.StopAsync();
    }

    public void Dispose() => _data.Dispose();

    private Task<ArchiveStore> OpenAsync() =>
        ArchiveStore.OpenAsync(new StoreOptions { DataDirectory = _data.File("new/data") }, TimeProvider.System, default);

    /// <summary>Uses the catalogue on start, though it was registered before the archive.</summary>
    private sealed class Early(ICatalogue catalogue) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => catalogue.SeenAsync(Samples.Build(), cancellationToken);
        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
