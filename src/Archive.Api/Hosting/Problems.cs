using Archive.Store.Blobs;

namespace Archive.Api.Hosting;

/// <summary>Every error is a problem document (RFC 9457): also those of routing, and exceptions, whose text stays in the log.</summary>
public static class Problems
{
    public static void AddArchiveProblems(this IServiceCollection services) => services.AddProblemDetails();

    public static void UseArchiveProblems(this WebApplication app)
    {
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            StatusCodeSelector = e => e is BlobStoreException ? StatusCodes.Status503ServiceUnavailable
                : e is BadHttpRequestException bad ? bad.StatusCode
                : StatusCodes.Status500InternalServerError,
        });
        app.UseStatusCodePages();
    }
}
