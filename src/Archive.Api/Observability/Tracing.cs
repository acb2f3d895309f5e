using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Archive.Api.Observability;

/// <summary>Traces by OTLP over HTTP: each request, what it asks of databases and other servers, and the forms that are made for it.</summary>
public static class Tracing
{
    /// <summary>Ours, the web server's, the HTTP client's, the database's.</summary>
    private static readonly string[] Sources = [ArchiveMeter.Name, "Microsoft.AspNetCore", "System.Net.Http", "Npgsql"];

    public static ActivitySource Source { get; } = new(ArchiveMeter.Name);

    public static void AddArchiveTracing(this IServiceCollection services, OtlpOptions options)
    {
        if (options.Endpoint is not { } endpoint)
            return;
        services.AddSingleton(_ => Sdk.CreateTracerProviderBuilder()
            .ConfigureResource(resource => resource.AddService("btf-archive", serviceVersion: typeof(Tracing).Assembly.GetName().Version?.ToString()))
            .AddSource(Sources)
            .SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(options.Ratio)))
            .AddOtlpExporter(otlp => (otlp.Endpoint, otlp.Protocol) = (new Uri(endpoint), OtlpExportProtocol.HttpProtobuf))
            .Build());
    }

    /// <summary>Names each request's span by its route, with the attributes of OpenTelemetry's conventions. The path may name a kernel and nobody's secret; the query is left out.</summary>
    public static void UseArchiveTracing(this WebApplication app)
    {
        if (app.Services.GetService<TracerProvider>() is null)
            return;
        app.Use(async (context, next) =>
        {
            try
            {
                await next(context);
            }
            finally
            {
                if (Activity.Current is { IsAllDataRequested: true } span)
                    Describe(span, context);
            }
        });
    }

    private static void Describe(Activity span, HttpContext context)
    {
        var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
        span.DisplayName = route is null ? context.Request.Method : $"{context.Request.Method} {route}";
        span.SetTag("http.request.method", context.Request.Method).SetTag("http.route", route).SetTag("url.path", context.Request.Path.Value)
            .SetTag("http.response.status_code", context.Response.StatusCode);
        if (context.Response.StatusCode >= StatusCodes.Status500InternalServerError)
            span.SetStatus(ActivityStatusCode.Error);
    }
}
