using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace TestKit;

/// <summary>What goes wrong with a request on its way.</summary>
public enum Fault
{
    None,

    /// <summary>The connection breaks before the server hears of it.</summary>
    Reset,

    /// <summary>The server does it, and the connection breaks before the client hears of it.</summary>
    LostAnswer,

    /// <summary>503 in the server's place.</summary>
    Unavailable,

    /// <summary>Half the body of a good answer, and the connection breaks.</summary>
    HalfAnswer,

    /// <summary>Half the body of a good answer, with a length to match.</summary>
    WrongLength,

    /// <summary>A byte of the body of a good answer is another.</summary>
    WrongByte,

    /// <summary>A byte of the request's body is another, where its headers have a checksum of it.</summary>
    WrongByteSent,

    /// <summary>The answer comes after the client's patience.</summary>
    Slow,
}

/// <summary>A proxy on the loopback between a client and a real server, which does to each request what it is told to.</summary>
public sealed class FaultProxy : IAsyncDisposable
{
    private static readonly TimeSpan Slowness = TimeSpan.FromSeconds(6);
    private readonly WebApplication _app;
    private readonly HttpClient _client;

    private FaultProxy(WebApplication app, HttpClient client) => (_app, _client) = (app, client);

    public Uri Url { get; private set; } = null!;

    /// <summary>Asked for each request in turn; none by default.</summary>
    public Func<HttpRequest, Fault> Next { get; set; } = _ => Fault.None;

    /// <summary>Faults that came about.</summary>
    public ConcurrentQueue<Fault> Happened { get; } = new();

    public static async Task<FaultProxy> StartAsync(Uri server)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null);
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.None, UseCookies = false };
        var proxy = new FaultProxy(builder.Build(), new HttpClient(handler) { BaseAddress = server });
        proxy._app.Run(proxy.HandleAsync);
        await proxy._app.StartAsync();
        proxy.Url = new Uri(proxy._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First() + "/");
        return proxy;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _client.Dispose();
    }

    private async Task HandleAsync(HttpContext context)
    {
        var fault = Next(context.Request);
        if (fault != Fault.None)
            Happened.Enqueue(fault);
        if (fault == Fault.Reset)
        {
            context.Abort();
            return;
        }
        if (fault == Fault.Unavailable)
        {
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }
        using var request = await RequestAsync(context.Request, fault);
        using var answer = await _client.SendAsync(request, context.RequestAborted);
        var body = await answer.Content.ReadAsByteArrayAsync(context.RequestAborted);
        if (fault == Fault.Slow)
            await Task.Delay(Slowness, context.RequestAborted).ContinueWith(_ => { }, TaskScheduler.Default);
        if (fault == Fault.LostAnswer)
            context.Abort();
        else
            await AnswerAsync(context, answer, body, fault);
    }

    private static async Task<HttpRequestMessage> RequestAsync(HttpRequest original, Fault fault)
    {
        using var body = new MemoryStream();
        await original.Body.CopyToAsync(body);
        var bytes = body.ToArray();
        if (fault == Fault.WrongByteSent && bytes.Length > 0 && (original.Headers.ContainsKey("Content-MD5") || original.Headers.ContainsKey("x-ms-content-crc64")))
            bytes[bytes.Length / 2] ^= 0x40;
        var request = new HttpRequestMessage(new HttpMethod(original.Method), new Uri($"{original.Path.ToUriComponent()}{original.QueryString}", UriKind.Relative)) { Content = new ByteArrayContent(bytes) };
        foreach (var header in original.Headers.Where(h => h.Key is not ("Host" or "Connection" or "Transfer-Encoding" or "Expect")))
        {
            if (!request.Headers.TryAddWithoutValidation(header.Key, (IEnumerable<string>)header.Value.OfType<string>()))
                request.Content.Headers.TryAddWithoutValidation(header.Key, (IEnumerable<string>)header.Value.OfType<string>());
        }
        return request;
    }

    private static async Task AnswerAsync(HttpContext context, HttpResponseMessage answer, byte[] body, Fault fault)
    {
        var response = context.Response;
        response.StatusCode = (int)answer.StatusCode;
        foreach (var header in answer.Headers.Concat(answer.Content.Headers).Where(h => h.Key is not ("Transfer-Encoding" or "Connection")))
            response.Headers[header.Key] = header.Value.ToArray();
        if (HttpMethods.IsHead(context.Request.Method) || body.Length == 0)
            return;
        if (!answer.IsSuccessStatusCode)
            fault = Fault.None;
        var half = body.AsMemory(0, body.Length / 2);
        if (fault == Fault.WrongLength)
            response.ContentLength = half.Length;
        if (fault == Fault.WrongByte)
            body[body.Length / 2] ^= 0x40;
        await response.Body.WriteAsync(fault is Fault.HalfAnswer or Fault.WrongLength ? half : body);
        if (fault != Fault.HalfAnswer)
            return;
        await response.Body.FlushAsync();
        context.Abort();
    }
}
