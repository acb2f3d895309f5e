using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Archive.Api.Tests;

/// <summary>Administrators by tokens of an issuer that serves discovery and keys on a socket of this machine, and signs.</summary>
public sealed class OidcTests : IAsyncLifetime, IDisposable
{
    private const string Audience = "btf-archive", Role = "btf-archive-admin";

    private readonly Issuer _issuer = new();
    private ApiFixture _api = null!;

    public async Task InitializeAsync()
    {
        await _issuer.StartAsync();
        _api = new ApiFixture(("Admin:Oidc:Authority", _issuer.Url));
    }

    public async Task DisposeAsync() => await _issuer.DisposeAsync();

    public void Dispose() => _api.Dispose();

    [Fact]
    public async Task AdministratorsTokenIsTakenAndNamedInTheAuditLog()
    {
        Assert.Equal(HttpStatusCode.Accepted, await VerifyAsync(_issuer.Sign()));
        Assert.Equal("oidc:alice", Assert.Single(await _api.Store.Catalogue.AuditsAsync(10, default)).Who);
    }

    [Theory]
    [InlineData("for another service", HttpStatusCode.Unauthorized)]
    [InlineData("of another issuer", HttpStatusCode.Unauthorized)]
    [InlineData("expired", HttpStatusCode.Unauthorized)]
    [InlineData("not yet valid", HttpStatusCode.Unauthorized)]
    [InlineData("of another key", HttpStatusCode.Unauthorized)]
    [InlineData("of another key under the known one's name", HttpStatusCode.Unauthorized)]
    [InlineData("by a shared secret", HttpStatusCode.Unauthorized)]
    [InlineData("unsigned", HttpStatusCode.Unauthorized)]
    [InlineData("changed", HttpStatusCode.Unauthorized)]
    [InlineData("without a role", HttpStatusCode.Forbidden)]
    [InlineData("of another role", HttpStatusCode.Forbidden)]
    public async Task OthersAreRefused(string token, HttpStatusCode status)
    {
        Assert.Equal(status, await VerifyAsync(Token(token)));
        Assert.Empty(await _api.Store.Catalogue.AuditsAsync(10, default));
    }

    [Fact]
    public async Task IssuerMayRotateItsKey()
    {
        Assert.Equal(HttpStatusCode.Accepted, await VerifyAsync(_issuer.Sign()));
        _issuer.Rotate();
        await Task.Delay(TimeSpan.FromSeconds(6)); // Keys are asked for anew every five seconds at most.
        Assert.Equal(HttpStatusCode.Accepted, await VerifyAsync(_issuer.Sign()));
    }

    [Fact]
    public async Task WithoutTheIssuerKeysStillOpen()
    {
        await _issuer.DisposeAsync();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await VerifyAsync(_issuer.Sign()));
        Assert.Equal(HttpStatusCode.Accepted, await VerifyAsync((await File.ReadAllTextAsync(Path.Combine(_api.Data, "keys", "admin.key"))).Trim()));
    }

    private string Token(string kind)
    {
        using var stranger = RSA.Create(2048);
        var valid = _issuer.Sign();
        return kind switch
        {
            "for another service" => _issuer.Sign(d => d.Audience = "elsewhere"),
            "of another issuer" => _issuer.Sign(d => d.Issuer = "http://127.0.0.1:1"),
            "expired" => _issuer.Sign(d => (d.NotBefore, d.Expires) = (DateTime.UtcNow.AddHours(-2), DateTime.UtcNow.AddHours(-1))),
            "not yet valid" => _issuer.Sign(d => (d.NotBefore, d.Expires) = (DateTime.UtcNow.AddHours(1), DateTime.UtcNow.AddHours(2))),
            "of another key" => _issuer.Sign(d => d.SigningCredentials = Credentials(stranger, "stranger")),
            "of another key under the known one's name" => _issuer.Sign(d => d.SigningCredentials = Credentials(stranger, _issuer.KeyId)),
            "by a shared secret" => _issuer.Sign(d => d.SigningCredentials = new SigningCredentials(new SymmetricSecurityKey(new byte[64]) { KeyId = _issuer.KeyId }, SecurityAlgorithms.HmacSha256)),
            "unsigned" => _issuer.Sign(d => d.SigningCredentials = null),
            "changed" => valid[..^6] + (valid[^6] == 'A' ? 'B' : 'A') + valid[^5..],
            "without a role" => _issuer.Sign(d => d.Claims.Remove("roles")),
            "of another role" => _issuer.Sign(d => d.Claims["roles"] = new[] { Role + "s", "reader" }),
            _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "no such token"),
        };
    }

    private static SigningCredentials Credentials(RSA key, string id) =>
        new(new RsaSecurityKey(key.ExportParameters(includePrivateParameters: true)) { KeyId = id }, SecurityAlgorithms.RsaSha256);

    private async Task<HttpStatusCode> VerifyAsync(string token)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/admin/verify");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await _api.Client.SendAsync(request);
        return answer.StatusCode;
    }

    private sealed class Issuer : IAsyncDisposable
    {
        private RSA _key = RSA.Create(2048);
        private int _keys = 1;
        private WebApplication? _server;

        public string Url { get; private set; } = "";

        public string KeyId => $"key-{_keys}";

        public async Task StartAsync()
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            _server = builder.Build();
            _server.Urls.Add("http://127.0.0.1:0");
            _server.MapGet("/.well-known/openid-configuration", () => Results.Text($$"""{"issuer":"{{Url}}","jwks_uri":"{{Url}}/keys"}""", "application/json"));
            _server.MapGet("/keys", () =>
            {
                var key = _key.ExportParameters(includePrivateParameters: false);
                return Results.Text($$"""{"keys":[{"kty":"RSA","use":"sig","alg":"RS256","kid":"{{KeyId}}","n":"{{Base64UrlEncoder.Encode(key.Modulus)}}","e":"{{Base64UrlEncoder.Encode(key.Exponent)}}"}]}""", "application/json");
            });
            await _server.StartAsync();
            Url = _server.Urls.First();
        }

        public void Rotate() => (_key, _keys) = (RSA.Create(2048), _keys + 1);

        /// <summary>A token of an administrator, unless changed.</summary>
        public string Sign(Action<SecurityTokenDescriptor>? change = null)
        {
            var token = new SecurityTokenDescriptor
            {
                Issuer = Url,
                Audience = Audience,
                NotBefore = DateTime.UtcNow.AddMinutes(-1),
                Expires = DateTime.UtcNow.AddMinutes(5),
                Claims = new Dictionary<string, object> { ["sub"] = "alice", ["roles"] = new[] { "reader", Role } },
                SigningCredentials = Credentials(_key, KeyId),
            };
            change?.Invoke(token);
            return new JsonWebTokenHandler().CreateToken(token);
        }

        public async ValueTask DisposeAsync()
        {
            if (Interlocked.Exchange(ref _server, null) is { } server)
                await server.DisposeAsync();
        }
    }
}
