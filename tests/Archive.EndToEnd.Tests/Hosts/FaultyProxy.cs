using System.Text;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Http;
using TestKit;

namespace Archive.EndToEnd.Tests.Hosts;

/// <summary>Stands between a host and the archive, and passes everything on but what a test changes.</summary>
internal sealed partial class FaultyProxy : IDisposable
{
    private readonly HttpClient _client = new();
    private readonly TempFolder _folder = new();
    private readonly MirrorServer _server;
    private readonly string _archive;

    public FaultyProxy(string archive)
    {
        _archive = archive;
        _server = MirrorServer.StartAsync(_folder.FullPath).GetAwaiter().GetResult();
        _server.Fault = ForwardAsync;
    }

    public string Url => _server.Url.ToString().TrimEnd('/');

    /// <summary>The body that is sent instead.</summary>
    public Func<string, byte[], byte[]> Change { get; set; } = (_, body) => body;

    /// <summary>Takes an answer over where it returns true.</summary>
    public Func<HttpContext, byte[], Task<bool>> Send { get; set; } = (_, _) => Task.FromResult(false);

    public static bool IsContent(string path) => path.StartsWith("/v1/btf/", StringComparison.Ordinal);

    /// <summary>Another byte in the middle of what is downloaded.</summary>
    public static byte[] Damage(string path, byte[] body)
    {
        if (IsContent(path))
            body[body.Length / 2] ^= 1;
        return body;
    }

    /// <summary>An answer that says of other bytes that they are the kernel's.</summary>
    public static byte[] Forge(string path, byte[] body, string sha256) =>
        path == "/v1/host" ? Encoding.UTF8.GetBytes(Digest().Replace(Encoding.UTF8.GetString(body), sha256)) : body;

    [GeneratedRegex("(?<=^(btf|tarball): )[0-9a-f]{64}", RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Digest();

    private async Task<bool> ForwardAsync(HttpContext context)
    {
        using var answer = await _client.GetAsync(new Uri(_archive + context.Request.Path + context.Request.QueryString));
        var body = Change(context.Request.Path, await answer.Content.ReadAsByteArrayAsync());
        if (await Send(context, body))
            return true;
        context.Response.StatusCode = (int)answer.StatusCode;
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body);
        return true;
    }

    public void Dispose()
    {
        _server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        _client.Dispose();
        _folder.Dispose();
    }
}
