using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;

namespace Archive.Api.Pages;

/// <summary>How often one client may ask for pages that take work.</summary>
public static class PagePolicy
{
    /// <summary>Pages that open a kernel's BTF.</summary>
    public const string Work = "pages";

    private const int PerSecond = 10, AtOnce = 120;

    internal static void AddPagePolicies(this IServiceCollection services) => services.Configure<RateLimiterOptions>(limiter => limiter.AddPolicy(Work, context =>
        RateLimitPartition.GetTokenBucketLimiter(context.Connection.RemoteIpAddress?.ToString() ?? "", _ => new TokenBucketRateLimiterOptions
        {
            TokenLimit = AtOnce,
            TokensPerPeriod = PerSecond,
            ReplenishmentPeriod = TimeSpan.FromSeconds(1),
        })));
}
