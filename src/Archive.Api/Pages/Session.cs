using System.Security.Claims;
using Archive.Api.Admin;
using Archive.Api.Pages.Shared;
using Archive.Store.Catalogue;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Mvc;

namespace Archive.Api.Pages;

/// <summary>Administrators sign in by their key and get a cookie for twelve hours; keys stay out of pages and addresses.</summary>
public static class Session
{
    public const string Scheme = "pages";
    private const int MaxForm = 16 << 10;
    private static readonly TimeSpan Length = TimeSpan.FromHours(12);

    internal static void AddSession(this IServiceCollection services)
    {
        services.AddAuthentication(Scheme).AddCookie(Scheme, cookie =>
        {
            cookie.Cookie.Name = "archive-session";
            cookie.Cookie.SameSite = SameSiteMode.Strict;
            cookie.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            cookie.ExpireTimeSpan = Length;
            cookie.Events.OnValidatePrincipal = ValidateAsync;
        });
        services.AddAntiforgery(antiforgery =>
        {
            antiforgery.Cookie.Name = "archive-forms";
            antiforgery.Cookie.SameSite = SameSiteMode.Strict;
            antiforgery.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
            antiforgery.SuppressXFrameOptionsHeader = true; // The Content-Security-Policy says it.
        });
    }

    internal static void MapSession(this WebApplication app)
    {
        app.Pages().MapGet("/sign-in", ([FromServices] AdminKeys? keys) => keys is null ? Closed() : Page.Of<SignInPage>(""));
        app.Pages().MapPost("/sign-in", SignInAsync).Guarded();
        app.Pages().MapPost("/sign-out", async (HttpContext context) =>
        {
            await context.SignOutAsync(Scheme);
            return Results.Redirect("/");
        }).Guarded();
    }

    /// <summary>A form of ours, and no more of it than that: anything else is refused before it is looked at.</summary>
    internal static RouteHandlerBuilder Guarded(this RouteHandlerBuilder route) => route
        .WithMetadata(new RequestSizeLimitAttribute(MaxForm))
        .AddEndpointFilter(async (context, next) =>
            await context.HttpContext.RequestServices.GetRequiredService<IAntiforgery>().IsRequestValidAsync(context.HttpContext)
                ? await next(context)
                : Page.Problem(StatusCodes.Status400BadRequest, "The form is too old", "It was not sent from a page of this site, or that page is from before a restart. Go back, load it again and try once more."));

    /// <summary>For administrators who signed in; what they do is in the audit log.</summary>
    internal static RouteHandlerBuilder ForAdministrators(this RouteHandlerBuilder route) => route.Guarded().AddEndpointFilter(async (context, next) =>
    {
        var http = context.HttpContext;
        if (http.User.Identity is not { IsAuthenticated: true, Name: { } name })
            return Page.Problem(StatusCodes.Status401Unauthorized, "Not signed in", "Only administrators may do this.");
        await http.RequestServices.GetRequiredService<ICatalogue>().AuditAsync(name, http.Request.Path.Value ?? "", "by page", http.RequestAborted);
        return await next(context);
    });

    private static async Task<IResult> SignInAsync(HttpContext context, [FromServices] AdminKeys? keys)
    {
        if (keys is null)
            return Closed();
        var key = (await context.Request.ReadFormAsync(context.RequestAborted))["key"].ToString().Trim();
        if (keys.NameOf(key) is not { } name)
            return Page.Of<SignInPage>("This is no key of an administrator.", StatusCodes.Status401Unauthorized);
        await context.SignInAsync(Scheme, Visitor.Of(name, AdminKeys.HashOf(key)));
        return Results.Redirect("/sources");
    }

    private static IResult Closed() => Page.Problem(StatusCodes.Status404NotFound, "Nobody signs in here", "This archive has no administration by pages (Admin:Enabled).");

    private static async Task ValidateAsync(CookieValidatePrincipalContext context)
    {
        var (name, hash) = (context.Principal?.Identity?.Name, context.Principal?.FindFirstValue(ClaimTypes.Hash));
        if (name is not null && hash is not null && context.HttpContext.RequestServices.GetService<AdminKeys>()?.Has(name, hash) == true)
            return;
        context.RejectPrincipal();
        await context.HttpContext.SignOutAsync(Scheme);
    }
}
