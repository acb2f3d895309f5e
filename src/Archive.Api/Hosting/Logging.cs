using Serilog;
using Serilog.Events;
using Serilog.Formatting.Json;

namespace Archive.Api.Hosting;

public static class Logging
{
    private const string Template = "{Timestamp:HH:mm:ss} {Level:u3} {Message:lj}{NewLine}{Exception}";

    /// <summary>
    /// Serilog behind the framework's logging. <c>Logging:Format</c> is <c>text</c> for people or <c>json</c> for machines;
    /// <c>Logging:File</c> adds a JSON file that is rolled each day. Levels are Serilog's own section.
    /// </summary>
    public static void AddArchiveLogging(this WebApplicationBuilder builder)
    {
        var section = builder.Configuration.GetSection("Logging");
        var logger = new LoggerConfiguration()
            .MinimumLevel.Override("Microsoft.AspNetCore.Hosting.Diagnostics", LevelAlias.Off) // Nothing of its is above Information, and while it may log, each request gets a span and a scope.
            .ReadFrom.Configuration(builder.Configuration).Enrich.FromLogContext();
        logger = string.Equals(section["Format"], "json", StringComparison.OrdinalIgnoreCase)
            ? logger.WriteTo.Console(new JsonFormatter(renderMessage: true))
            : logger.WriteTo.Console(outputTemplate: Template);
        if (section["File"] is { Length: > 0 } file)
            logger = logger.WriteTo.File(new JsonFormatter(renderMessage: true), file, rollingInterval: RollingInterval.Day);
        Log.Logger = logger.CreateLogger();
        builder.Logging.ClearProviders().AddSerilog(Log.Logger, dispose: true);
    }
}
