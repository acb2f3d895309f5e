using System.Diagnostics;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Archive.Api.Admin;

/// <summary>What became of a token.</summary>
public enum TokenVerdict
{
    Administrator,

    /// <summary>It is genuine, and its owner no administrator.</summary>
    NoRole,

    /// <summary>It is not a token of the issuer for this service, or no longer.</summary>
    Refused,

    /// <summary>The issuer's keys could not be had.</summary>
    NoIssuer,
}

/// <summary>
/// Tokens of an OpenID Connect issuer. Keys come from its discovery document and are fetched again where a token names one that is not
/// known, so that the issuer can rotate them. Only signatures with a public key count: one made with a shared secret, or none, is refused.
/// </summary>
public sealed class OidcTokens
{
    private static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan RefreshWait = TimeSpan.FromSeconds(1);

    private static readonly string[] Algorithms =
        [SecurityAlgorithms.RsaSha256, SecurityAlgorithms.RsaSha384, SecurityAlgorithms.RsaSha512, SecurityAlgorithms.RsaSsaPssSha256, SecurityAlgorithms.EcdsaSha256, SecurityAlgorithms.EcdsaSha384];

    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false };
    private readonly OidcOptions _options;
    private readonly ConfigurationManager<OpenIdConnectConfiguration> _issuer;

    public OidcTokens(OidcOptions options)
    {
        var authority = new Uri(options.Authority!.TrimEnd('/') + '/');
        _options = options;
        _issuer = new ConfigurationManager<OpenIdConnectConfiguration>(
            new Uri(authority, ".well-known/openid-configuration").ToString(), new OpenIdConnectConfigurationRetriever(),
            new HttpDocumentRetriever { RequireHttps = authority.Scheme == Uri.UriSchemeHttps })
        { RefreshInterval = TimeSpan.FromSeconds(5) };
    }

    /// <summary>Whether the text is built as a token is: keys of ours are not.</summary>
    public static bool IsToken(string text) => text.Count(c => c == '.') == 2;

    /// <returns>With the name of whose token it is; empty where it is refused.</returns>
    public async Task<(TokenVerdict Verdict, string Name)> JudgeAsync(string token, CancellationToken cancellation)
    {
        OpenIdConnectConfiguration issuer;
        try
        {
            issuer = await _issuer.GetConfigurationAsync(cancellation);
        }
        catch (InvalidOperationException)
        {
            return (TokenVerdict.NoIssuer, "");
        }
        var result = await _handler.ValidateTokenAsync(token, Rules(issuer));
        if (result.Exception is SecurityTokenSignatureKeyNotFoundException)
        {
            result = await _handler.ValidateTokenAsync(token, Rules(await RefreshAsync(issuer, cancellation)));
        }
        if (!result.IsValid)
            return (TokenVerdict.Refused, "");
        var roles = result.ClaimsIdentity.FindAll(_options.RoleClaim).SelectMany(c => c.Value.Split(' '));
        var name = result.ClaimsIdentity.FindFirst(_options.NameClaim)?.Value ?? result.ClaimsIdentity.FindFirst("sub")?.Value ?? "";
        return (roles.Contains(_options.Role, StringComparer.Ordinal) ? TokenVerdict.Administrator : TokenVerdict.NoRole, name);
    }

    /// <summary>The manager refreshes in the background, and at most once an interval: waits a moment for it.</summary>
    private async Task<OpenIdConnectConfiguration> RefreshAsync(OpenIdConnectConfiguration stale, CancellationToken cancellation)
    {
        _issuer.RequestRefresh();
        var issuer = stale;
        for (var clock = Stopwatch.StartNew(); ReferenceEquals(issuer, stale) && clock.Elapsed < RefreshWait; await Task.Delay(20, cancellation))
            issuer = await _issuer.GetConfigurationAsync(cancellation);
        return issuer;
    }

    private TokenValidationParameters Rules(OpenIdConnectConfiguration issuer) => new()
    {
        ValidIssuer = issuer.Issuer,
        ValidAudience = _options.Audience,
        IssuerSigningKeys = issuer.SigningKeys,
        ValidAlgorithms = Algorithms,
        ClockSkew = ClockSkew,
        RequireExpirationTime = true,
        RequireSignedTokens = true,
    };
}
