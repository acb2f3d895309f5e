using Archive.Api.Kernels;
using Archive.Store.Catalogue;

namespace Archive.Api.Endpoints;

/// <summary>Live: the process answers. Ready: it can read its catalogue and write its data directory.</summary>
public static class HealthEndpoints
{
    private const string Ok = "ok";

    public static void MapHealth(this WebApplication app)
    {
        var group = app.MapGroup("/health").WithTags("health");
        // btfhub-online's clients look here.
        app.MapGet("/monitoring/health", () => TypedResults.Ok(new HealthDocument(Ok, new Dictionary<string, string>()))).ExcludeFromDescription();
        group.MapGet("/live", () => TypedResults.Ok(new HealthDocument(Ok, new Dictionary<string, string>()))).WithSummary("Whether the process answers at all");
        group.MapGet("/ready", ReadyAsync).WithSummary("Whether it can serve: each thing that it depends on, by name").Produces<HealthDocument>().Produces<HealthDocument>(StatusCodes.Status503ServiceUnavailable);
    }

    private static async Task<IResult> ReadyAsync(ICatalogue catalogue, ApiOptions options, CancellationToken cancellation)
    {
        var checks = new Dictionary<string, string>
        {
            ["catalogue"] = await ProbeAsync(() => catalogue.RunsAsync(null, 1, cancellation)),
            ["data_directory"] = await ProbeAsync(() => TouchAsync(options.DataDirectory, cancellation)),
        };
        var ready = checks.Values.All(v => v == Ok);
        return TypedResults.Json(
            new HealthDocument(ready ? Ok : "failing", checks), ApiJson.Default.HealthDocument,
            statusCode: ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private static async Task<string> ProbeAsync(Func<Task> probe)
    {
        try
        {
            await probe();
            return Ok;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return e.Message;
        }
    }

    private static async Task TouchAsync(string directory, CancellationToken cancellation)
    {
        var path = Path.Combine(directory, $".ready-{Guid.NewGuid():n}");
        await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose | FileOptions.Asynchronous);
        await file.WriteAsync(new byte[1], cancellation);
    }
}
