using System.Collections.Concurrent;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Archive.Api.Tests;

/// <summary>Traces reach a collector: an OTLP/HTTP receiver on a socket of this machine.</summary>
public sealed class TracingTests
{
    [Fact]
    public async Task RequestsAreTracedByRouteAndTheCallersTraceIsContinued()
    {
        var received = new ConcurrentQueue<byte[]>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        await using var collector = builder.Build();
        collector.Urls.Add("http://127.0.0.1:0");
        collector.MapPost("/v1/traces", async (HttpContext context) =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            if (context.Request.ContentType == "application/x-protobuf")
                received.Enqueue(body.ToArray());
            return Results.Bytes([], "application/x-protobuf");
        });
        await collector.StartAsync();
        const string TraceId = "0af7651916cd43dd8448eb211c80319c";
        using (var api = new ApiFixture(("Otlp:Endpoint", collector.Urls.First() + "/v1/traces")))
        {
            await api.PublishAsync(ApiFixture.Build("6.1.0-1-traced"), ApiFixture.MakeBtf("traced"));
            using var request = new HttpRequestMessage(HttpMethod.Get, "/debian/12/x86_64/6.1.0-1-traced.btf?secret=yes");
            request.Headers.Add("traceparent", $"00-{TraceId}-b7ad6b7169203331-01");
            (await api.Client.SendAsync(request)).EnsureSuccessStatusCode();
            await api.Client.GetAsync(new Uri("/v1/lookup?uname=6.1.0-1-traced", UriKind.Relative));
        } // Ending sends what is waiting.

        var all = received.SelectMany(b => b).ToArray();
        foreach (var text in (string[])["btf-archive", "make form", "GET /v1/lookup", "http.route", "http.response.status_code", "/debian/12/x86_64/6.1.0-1-traced.btf"])
            Assert.True(all.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) >= 0, text);
        Assert.True(all.AsSpan().IndexOf(Convert.FromHexString(TraceId)) >= 0);
        Assert.True(all.AsSpan().IndexOf("secret"u8) < 0);
    }
}
