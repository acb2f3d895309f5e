using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Logging;

namespace TestKit;

/// <summary>A mirror on loopback: a real Kestrel over a folder, with faults injected between it and the client.</summary>
public sealed class MirrorServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private MirrorServer(WebApplication app) => _app = app;

    public Uri Url { get; private set; } = null!;

    /// <summary>Requests in the order they ended.</summary>
    public ConcurrentQueue<(string Path, string? Range, int Status)> Requests { get; } = new();

    /// <summary>Takes a request instead of the files where it returns true.</summary>
    public Func<HttpContext, Task<bool>>? Fault { get; set; }

    public static async Task<MirrorServer> StartAsync(string root)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var server = new MirrorServer(app);
        app.Use(server.HandleAsync);
        app.UseStaticFiles(new StaticFileOptions { FileProvider = new PhysicalFileProvider(root), ServeUnknownFileTypes = true });
        await app.StartAsync();
        server.Url = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/");
        return server;
    }

    /// <summary>A status, with how long to wait where that is given.</summary>
    public static Task AnswerAsync(HttpContext context, int status, int? retryAfterSeconds = null)
    {
        context.Response.StatusCode = status;
        if (retryAfterSeconds is { } seconds)
            context.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return Task.CompletedTask;
    }

    /// <summary>One byte after the other, for as long as the client listens.</summary>
    public static async Task DripAsync(HttpContext context, int milliseconds)
    {
        while (!context.RequestAborted.IsCancellationRequested)
        {
            await context.Response.Body.WriteAsync(new byte[1]);
            await context.Response.Body.FlushAsync();
            await Task.Delay(milliseconds);
        }
    }

    /// <summary>Zeroes without an end and without a length.</summary>
    public static async Task FloodAsync(HttpContext context)
    {
        var zeroes = new byte[1 << 16];
        while (!context.RequestAborted.IsCancellationRequested)
            await context.Response.Body.WriteAsync(zeroes);
    }

    /// <summary>The first so many bytes of a file, then a broken connection.</summary>
    public static async Task BreakAfterAsync(HttpContext context, string file, int count)
    {
        var bytes = await File.ReadAllBytesAsync(file);
        context.Response.ContentLength = bytes.Length;
        await context.Response.Body.WriteAsync(bytes.AsMemory(0, count));
        await context.Response.Body.FlushAsync();
        await Task.Delay(300); // A reset connection loses what the client has not read yet.
        context.Abort();
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task HandleAsync(HttpContext context, RequestDelegate next)
    {
        try
        {
            if (Fault is null || !await Fault(context))
                await next(context);
        }
        finally
        {
            Requests.Enqueue((context.Request.Path.Value!, context.Request.Headers.Range, context.Response.StatusCode));
        }
    }
}
