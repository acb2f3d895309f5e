using System.Threading.RateLimiting;
using Archive.Api.Content;
using Archive.Api.Kernels;

namespace Archive.Api.Objects;

public static class ObjectServices
{
    /// <summary>The policy of routes that take objects.</summary>
    public const string Policy = "objects";

    public static void AddObjectServices(this WebApplicationBuilder builder, string dataDirectory)
    {
        var options = builder.Configuration.GetSection("Objects").Get<ObjectOptions>() ?? new ObjectOptions();
        builder.Services
            .AddSingleton(options)
            .AddSingleton(provider => new WarmKernels(
                Path.Combine(dataDirectory, "warm"), options.WarmBytes, provider.GetRequiredService<DerivedForms>(), provider.GetRequiredService<TimeProvider>()))
            .AddSingleton<KernelModules>()
            .AddSingleton<KernelMinimizer>()
            .AddSingleton<KernelInventories>()
            .AddSingleton<CompatibilityReports>()
            .AddSingleton<Endpoints.KernelReader>()
            .AddSingleton<Inventories>()
            .AddSingleton(_ => new ObjectGate(options))
            .AddRateLimiter(limiter => limiter.AddPolicy(Policy, context => RateLimitPartition.GetTokenBucketLimiter(
                context.Connection.RemoteIpAddress?.ToString() ?? "",
                _ => new TokenBucketRateLimiterOptions
                {
                    TokenLimit = options.MaxPerMinute,
                    TokensPerPeriod = options.MaxPerMinute,
                    ReplenishmentPeriod = TimeSpan.FromMinutes(1),
                })));
        builder.Services.Configure<Microsoft.AspNetCore.RateLimiting.RateLimiterOptions>(limiter =>
        {
            limiter.RejectionStatusCode = StatusCodes.Status429TooManyRequests;
            limiter.OnRejected = static (rejected, _) =>
            {
                rejected.HttpContext.Response.Headers.RetryAfter = "60";
                return ValueTask.CompletedTask;
            };
        });
    }
}

/// <summary>Holds back requests that take objects, over all clients: each holds some of them in memory and a core busy.</summary>
public sealed class ObjectGate(ObjectOptions options) : IDisposable
{
    private readonly ConcurrencyLimiter _limiter = new(new ConcurrencyLimiterOptions { PermitLimit = options.MaxConcurrent, QueueLimit = options.MaxConcurrent });

    /// <exception cref="BadHttpRequestException">With 429: too many already wait.</exception>
    public async Task<IDisposable> EnterAsync(HttpContext context)
    {
        var lease = await _limiter.AcquireAsync(1, context.RequestAborted);
        if (lease.IsAcquired)
            return lease;
        lease.Dispose();
        context.Response.Headers.RetryAfter = "5";
        throw new BadHttpRequestException("Too many objects are being worked on; come again in some seconds.", StatusCodes.Status429TooManyRequests);
    }

    public void Dispose() => _limiter.Dispose();
}
