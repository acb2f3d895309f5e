using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;

namespace Archive.Store;

public static class ArchiveStoreRegistration
{
    /// <summary>
    /// Registers the archive and its parts (<see cref="IBlobStore"/>, <see cref="ICatalogue"/>, <see cref="WorkFolder"/>). The host opens it
    /// and migrates the catalogue before any other hosted service starts.
    /// </summary>
    public static IServiceCollection AddArchiveStore(
        this IServiceCollection services, Func<IServiceProvider, StoreOptions> options)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(provider => ArchiveStore.Open(options(provider), provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => provider.GetRequiredService<ArchiveStore>().Blobs);
        services.AddSingleton(provider => provider.GetRequiredService<ArchiveStore>().Catalogue);
        services.AddSingleton(provider => provider.GetRequiredService<ArchiveStore>().Work);
        services.AddHostedService<StartUp>();
        return services;
    }

    /// <inheritdoc cref="AddArchiveStore(IServiceCollection, Func{IServiceProvider, StoreOptions})"/>
    public static IServiceCollection AddArchiveStore(this IServiceCollection services, StoreOptions options) =>
        services.AddArchiveStore(_ => options);

    private sealed class StartUp(ArchiveStore store) : IHostedLifecycleService
    {
        public Task StartingAsync(CancellationToken cancellationToken) => store.InitialiseAsync(cancellationToken);
        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
