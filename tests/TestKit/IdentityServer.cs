using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace TestKit;

/// <summary>
/// The endpoint by which a process in Azure asks for tokens of its managed identity (learn.microsoft.com/azure/app-service/overview-managed-identity, "REST endpoint reference"), on
/// loopback. Its tokens are JWTs without a signature, which Azurite's <c>--oauth basic</c> takes: it looks at issuer, audience and times.
/// </summary>
public sealed class IdentityServer : IAsyncDisposable
{
    private const string Secret = "only who runs here knows it";
    private readonly WebApplication _app;

    private IdentityServer(WebApplication app) => _app = app;

    /// <summary>What a process is told of the endpoint.</summary>
    public IReadOnlyDictionary<string, string> Environment => new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["IDENTITY_ENDPOINT"] = _app.Urls.First() + "/msi/token",
        ["IDENTITY_HEADER"] = Secret,
    };

    /// <summary>The identity (client id; empty for the system's) and the resource of each token that was given.</summary>
    public ConcurrentQueue<(string ClientId, string Resource)> Given { get; } = new();

    public static async Task<IdentityServer> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var server = new IdentityServer(app);
        app.MapGet("/msi/token", server.Answer);
        await app.StartAsync();
        return server;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private IResult Answer(HttpRequest request)
    {
        if (request.Headers["X-IDENTITY-HEADER"] != Secret)
            return Results.Unauthorized();
        var resource = request.Query["resource"].ToString();
        Given.Enqueue((request.Query["client_id"].ToString(), resource));
        var expires = DateTimeOffset.UtcNow.AddDays(1).ToUnixTimeSeconds();
        return Results.Json(new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["access_token"] = Token(resource, expires),
            ["expires_on"] = expires.ToString(CultureInfo.InvariantCulture),
            ["resource"] = resource,
            ["token_type"] = "Bearer",
        });
    }

    private static string Token(string audience, long expires)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        const string Tenant = "ab1f708d-50f6-404c-a006-d71b2ac7a606";
        var claims = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["aud"] = audience,
            ["iss"] = $"https://sts.windows.net/{Tenant}/",
            ["iat"] = now,
            ["nbf"] = now - 60,
            ["exp"] = expires,
            ["oid"] = "11059fcc-5514-4800-b5f8-49808b9cfab6",
            ["tid"] = Tenant,
        };
        return $"{Part(new { alg = "HS256", typ = "JWT" })}.{Part(claims)}.c2ln";
    }

    private static string Part<T>(T value) => Base64Url.EncodeToString(JsonSerializer.SerializeToUtf8Bytes(value));
}
