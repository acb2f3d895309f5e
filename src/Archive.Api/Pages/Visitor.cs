using System.Security.Claims;
using Archive.Api.Admin;
using Microsoft.AspNetCore.Antiforgery;

namespace Archive.Api.Pages;

/// <summary>Who looks at the page of this request.</summary>
public sealed class Visitor(IHttpContextAccessor http, IAntiforgery antiforgery, IServiceProvider services)
{
    private HttpContext Context => http.HttpContext ?? throw new InvalidOperationException("a page is made for a request");

    /// <summary>The name of the administrator's key by which they signed in; null for everybody else.</summary>
    public string? Name => Context.User.Identity is { IsAuthenticated: true, Name: { } name } ? name : null;

    public bool CanSignIn => services.GetService<AdminKeys>() is not null;

    /// <summary>Proves that a form was on a page of ours.</summary>
    public string Token => antiforgery.GetAndStoreTokens(Context).RequestToken!;

    /// <summary>The identity of a key's owner. The hash is kept, so that the session ends with the key.</summary>
    internal static ClaimsPrincipal Of(string name, string hash) =>
        new(new ClaimsIdentity([new Claim(ClaimTypes.Name, name), new Claim(ClaimTypes.Hash, hash)], Session.Scheme));
}
