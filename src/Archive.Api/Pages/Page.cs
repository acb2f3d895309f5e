using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Archive.Api.Pages;

/// <summary>Answers that are pages: components rendered to HTML once, on the server.</summary>
public static class Page
{
    /// <summary>No inline script or style, nothing from elsewhere, no frames around it.</summary>
    private const string ContentSecurityPolicy =
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

    /// <summary>The page of this component, given its one parameter <c>Model</c>.</summary>
    public static IResult Of<TPage>(object model, int status = StatusCodes.Status200OK) where TPage : IComponent =>
        new RazorComponentResult<TPage>(new Dictionary<string, object?> { ["Model"] = model }) { StatusCode = status, PreventStreamingRendering = true };

    /// <summary>A page that says why there is none.</summary>
    public static IResult Problem(int status, string title, string detail) => Of<Shared.ProblemPage>(new PageProblem(status, title, detail), status);

    /// <summary>The headers of every page.</summary>
    public static void WriteHeaders(HttpResponse response)
    {
        var headers = response.Headers;
        headers.ContentSecurityPolicy = ContentSecurityPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        // Who signs in or out sees it at once; a page that did not change is not sent again by the browser's own validation.
        if (headers.CacheControl.Count == 0)
            headers.CacheControl = "no-cache";
    }

    /// <summary>Where pages, and what their forms post to, are mapped: with the headers of pages, bounded in time, and left out of the API's description.</summary>
    public static RouteGroupBuilder Pages(this IEndpointRouteBuilder routes)
    {
        var pages = routes.MapGroup("");
        pages.WithRequestTimeout(TimeSpan.FromSeconds(30)).ExcludeFromDescription().AddEndpointFilter((context, next) =>
        {
            WriteHeaders(context.HttpContext.Response);
            return next(context);
        });
        return pages;
    }
}

/// <summary>Why there is no page.</summary>
public sealed record PageProblem(int Status, string Title, string Detail);
