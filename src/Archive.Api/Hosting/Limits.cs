using System.Net;
using System.Threading.RateLimiting;
using Microsoft.AspNetCore.RateLimiting;

namespace Archive.Api.Hosting;

/// <summary>Section <c>Limits</c>.</summary>
public sealed record LimitOptions
{
    /// <summary>Of one client (an IPv4 address, or the /64 of an IPv6 one), sustained; 0 for no limit. This machine has none: a proxy on it is many clients.</summary>
    public int RequestsPerSecond { get; init; } = 200;

    /// <summary>Requests that a client may make at once before that rate counts.</summary>
    public int Burst { get; init; } = 2000;

    /// <summary>How long running downloads may go on when the program is told to stop.</summary>
    public int ShutdownSeconds { get; init; } = 60;
}

public static class Limits
{
    /// <summary>For routes that answer at once.</summary>
    private static readonly TimeSpan AnswerTime = TimeSpan.FromSeconds(30);

    private const int IPv4Bytes = 4, SubnetBytes = 8;

    /// <summary>Few routes take a body, and say so; lookups may paste an os-release file into the query.</summary>
    public static void AddArchiveLimits(this WebApplicationBuilder builder, LimitOptions limits)
    {
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.ConfigureEndpointDefaults(SocketOutput.UseFor);
            kestrel.Limits.MaxRequestBodySize = 0;
            kestrel.Limits.MaxRequestLineSize = 16 * 1024;
            kestrel.Limits.MaxRequestHeadersTotalSize = 16 * 1024;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        });
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(limits.ShutdownSeconds));
        builder.Services.AddRequestTimeouts();
        if (limits.RequestsPerSecond > 0)
            builder.Services.Configure<RateLimiterOptions>(limiter => limiter.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(context => PartitionOf(context, limits)));
    }

    /// <summary>The limiter costs a request a twentieth of what a look-up does, also where it then finds that there is no limit.</summary>
    public static void UseArchiveLimits(this WebApplication app)
    {
        app.UseRequestTimeouts();
        app.UseWhen(
            static context => IsLimited(context) || context.GetEndpoint()?.Metadata.GetMetadata<EnableRateLimitingAttribute>() is not null,
            static limited => limited.UseRateLimiter());
    }

    /// <summary>The answer is made within half a minute, or not at all.</summary>
    public static RouteHandlerBuilder AnswersSoon(this RouteHandlerBuilder route)
    {
        route.WithRequestTimeout(AnswerTime);
        return route;
    }

    private static RateLimitPartition<string> PartitionOf(HttpContext context, LimitOptions limits) =>
        IsLimited(context)
            ? RateLimitPartition.GetTokenBucketLimiter(NameOf(context.Connection.RemoteIpAddress!), _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = Math.Max(1, limits.Burst),
                TokensPerPeriod = limits.RequestsPerSecond,
                ReplenishmentPeriod = TimeSpan.FromSeconds(1),
            })
            : RateLimitPartition.GetNoLimiter("");

    private static bool IsLimited(HttpContext context) => context.Connection.RemoteIpAddress is { } address && !IPAddress.IsLoopback(address);

    private static string NameOf(IPAddress address)
    {
        var bytes = (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).GetAddressBytes();
        return Convert.ToHexString(bytes.Length == IPv4Bytes ? bytes : bytes.AsSpan(0, SubnetBytes));
    }
}
