using Archive.Store.Blobs;

namespace Archive.Api.Hosting;

/// <summary>Every error is a problem document (RFC 9457): also those of routing, and exceptions, whose text stays in the log unless it is about the request.</summary>
public static class Problems
{
    public static void AddArchiveProblems(this IServiceCollection services) => services.AddProblemDetails(problems => problems.CustomizeProblemDetails = Explain);

    /// <summary>What is wrong with a request is for who sent it.</summary>
    private static void Explain(ProblemDetailsContext context)
    {
        if (context.Exception is BadHttpRequestException bad)
            context.ProblemDetails.Detail = bad.Message;
    }

    public static void UseArchiveProblems(this WebApplication app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            StatusCodeSelector = e => e is BlobStoreException ? StatusCodes.Status503ServiceUnavailable
                : e is BadHttpRequestException bad ? bad.StatusCode
                : StatusCodes.Status500InternalServerError,
            SuppressDiagnosticsCallback = context => context.Exception is BadHttpRequestException,
        });
        app.UseStatusCodePages();
    }
}
