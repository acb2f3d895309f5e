namespace Archive.Api.Endpoints;

/// <summary>A small document that is asked for thousands of times a second: written at once, with its length.</summary>
internal sealed class JsonAnswer(byte[] json) : IResult
{
    public Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.ContentType = "application/json; charset=utf-8";
        httpContext.Response.ContentLength = json.Length;
        return httpContext.Response.Body.WriteAsync(json, httpContext.RequestAborted).AsTask();
    }
}
