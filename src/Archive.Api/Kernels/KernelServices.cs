using System.Text.Json;
using System.Text.Json.Serialization;
using Archive.Api.Admin;
using Archive.Api.Content;
using Archive.Api.Endpoints;
using Archive.Api.Observability;
using Archive.Crawler.Imports;
using Archive.Store.Blobs;
using Archive.Store.Catalogue;
using Archive.Store.Trust;

namespace Archive.Api.Kernels;

public static class KernelServices
{
    public static IServiceCollection AddKernelServices(this IServiceCollection services, ApiOptions options) => services
        .AddSingleton(provider => new DerivedForms(
            provider.GetRequiredService<IBlobStore>(), Path.Combine(options.DataDirectory, "cache", "forms"), options.FormCacheBytes))
        .AddSingleton<BtfResponses>()
        .AddSingleton<FormMaker>()
        .AddSingleton<KernelResolver>()
        .AddSingleton<CoverageCounts>()
        .AddSingleton<SourceStatuses>()
        .AddSingleton<Withdrawals>()
        .AddSingleton<StoreAudit>()
        .AddSingleton<AdminJobs>()
        .AddSingleton<ArchiveImports>()
        .AddSingleton<PrometheusListener>()
        .AddSingleton(_ => SigningKeys.Open(options.DataDirectory))
        .AddSingleton(provider => new Manifests(
            provider.GetRequiredService<ICatalogue>(), provider.GetRequiredService<SigningKeys>(), provider.GetRequiredService<TimeProvider>(),
            Path.Combine(options.DataDirectory, "cache", "manifests")))
        .AddSingleton<KernelIndex>()
        .AddSingleton<KernelRoster>()
        .AddHostedService(provider => provider.GetRequiredService<KernelRoster>())
        .AddSingleton<TypeNames>()
        .AddSingleton<TypeHistories>()
        .AddSingleton<KernelDifferences>()
        .AddHostedService(provider => provider.GetRequiredService<KernelDifferences>())
        .AddSingleton<KernelLookup>()
        .AddSingleton<KeptAnswers<byte[]>>()
        .AddSingleton<KeptAnswers<ServedFile>>()
        .ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
            json.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default);
        });
}
