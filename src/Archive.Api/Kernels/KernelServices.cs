using System.Text.Json;
using System.Text.Json.Serialization;

namespace Archive.Api.Kernels;

public static class KernelServices
{
    public static IServiceCollection AddKernelServices(this IServiceCollection services) => services
        .AddSingleton<RawBtfCache>()
        .AddSingleton<KernelIndex>()
        .AddSingleton<KernelLookup>()
        .ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
            json.SerializerOptions.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
            json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default);
        });
}
