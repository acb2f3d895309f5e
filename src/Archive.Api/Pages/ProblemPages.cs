
namespace Archive.Api.Pages;

/// <summary>Shows problem documents as pages to who asks for HTML, outside of the API.</summary>
internal sealed class ProblemPages : IProblemDetailsWriter
{
    public bool CanWrite(ProblemDetailsContext context)
    {
        var request = context.HttpContext.Request;
        return request.Headers.Accept.ToString().Contains("text/html", StringComparison.OrdinalIgnoreCase) && !request.Path.StartsWithSegments("/v1", StringComparison.Ordinal) && !request.Path.StartsWithSegments("/api", StringComparison.Ordinal);
    }

    public async ValueTask WriteAsync(ProblemDetailsContext context)
    {
        var (http, problem) = (context.HttpContext, context.ProblemDetails);
        var status = problem.Status ?? http.Response.StatusCode;
        Page.WriteHeaders(http.Response);
        await Page.Problem(status, TitleOf(status, problem.Title), problem.Detail ?? "").ExecuteAsync(http);
    }

    private static string TitleOf(int status, string? title) => status switch
    {
        StatusCodes.Status404NotFound when title is null or "Not Found" => "There is no such page",
        StatusCodes.Status429TooManyRequests => "Too many requests at once",
        >= 500 => "Something went wrong here",
        _ => title ?? "That did not work",
    };
}
