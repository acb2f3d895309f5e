namespace Archive.Api.Kernels;

public static class KernelServices
{
    public static IServiceCollection AddKernelServices(this IServiceCollection services) => services
        .AddSingleton<RawBtfCache>()
        .AddSingleton<KernelIndex>()
        .AddSingleton<KernelLookup>()
        .ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, ApiJson.Default));
}
