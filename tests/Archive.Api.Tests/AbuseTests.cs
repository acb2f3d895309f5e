using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using System.Text;

namespace Archive.Api.Tests;

/// <summary>Hostile requests over a bare socket: each gets an answer below 500 or a closed connection, and the server goes on.</summary>
public sealed class AbuseTests(ApiFixture api) : IClassFixture<ApiFixture>
{
    private static readonly byte[] Btf = ApiFixture.MakeBtf("abuse_marker");
    private const string Tree = "/debian/12/x86_64/6.1.0-1-amd64.btf";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(0.5);

    private static readonly string[] Segments =
    [
        "..", ".", "%2e%2e", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "..%5c..%5c", "%00", "a%00b", "%0d%0aX-Evil:1", "%ff%fe", "%c0%ae%c0%ae", "%u002e", "%", "%2", "%zz",
        "\\..\\..", "~root", "$(id)", "`id`", "'or'1'='1", "%27%20OR%201=1--", "{0}", "{{7*7}}", "<script>", "*", "?", "%3f", "#", "%23", ";", "|", "&", "%e2%80%ae", "%f0%9f%92%a9",
        "con", "nul", ".git", ".staging", ".locks", "by-digest", "catalogue.db", "keys", "admin.key", "0", "-1", "99999999999999999999", "NaN", "null", "undefined", "true",
    ];

    private static readonly string[] Queries =
    [
        "", "=", "&", "&&&", "=&=", "%", "%00", "a[]=1", "limit", "limit=", "limit=-1", "limit=0", "limit=1e9", "limit=999999999999999999999", "limit=%00", "after=-1", "after=9223372036854775807",
        "after=9223372036854775808", "since=x", "distro=%00", "distro=..", "distro=../..", "distro=" , "version=%ff", "arch=%27", "uname=%", "uname=%25%25%25", "uname=*", "uname=****************", "uname=_", "uname=\\",
        "outcome=%00", "outcome=published&outcome=failed", "distro=a&distro=b", "format=%00", "window=27.5", "window=-27", "form=raw%00", "build_id=%00", "build_id=zz", "os_release=%00", "os_release=ID=", "os_release=%0a%0a=%0a",
    ];

    private static readonly string[] Headers =
    [
        "Range: bytes=-", "Range: bytes=0-0,0-0,0-0,0-0", "Range: bytes=18446744073709551616-", "Range: bytes=--5", "Range: bytes= 0 - 5", "Range: bytes=5", "Range: bytes=,", "Range: lines=0-1", "Range: bytes=0-18446744073709551615",
        "Range: bytes=1-0", "If-Range: \"", "If-Range: W/\"x\"", "If-None-Match: \"", "If-None-Match: W/", "If-None-Match: ,,,", "If-Match: \u0001", "If-Modified-Since: never", "If-Modified-Since: Fri, 99 Zzz 9999 99:99:99 GMT", "If-Unmodified-Since: -1",
        "Accept-Encoding: gzip;q=2", "Accept-Encoding: ;q=1", "Accept-Encoding: zstd;q=abc", "Accept-Encoding: ,", "Accept: */*;q=x", "Accept: application/x-ndjson;;;", "Authorization: Bearer", "Authorization: Basic %%%", "X-Api-Key: \u0002", "Content-Length: -1",
        "Content-Length: 99999999999999999999", "Content-Length: 5\r\nContent-Length: 6", "Transfer-Encoding: chunked\r\nContent-Length: 3", "Transfer-Encoding: xchunked", "Expect: 200-ok", "Host: evil\r\nHost: other", "Connection: upgrade\r\nUpgrade: h2c", "Cookie: a=%00;;;=", "X-Forwarded-For: ' OR 1=1", "Forwarded: for=\"[::", "Referer: \u007f",
        "Range: bytes=0-1\r\nRange: bytes=2-3", "TE: trailers, deflate;q=0.5", "Trailer: X", "Via: 1.0 a, 1.1 b", "X: " + "\t\t\t",
    ];

    private static readonly string[] Methods = ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "get", "PROPFIND", "XYZZY", "G\u0000T", "", "GET GET"];

    private static readonly string[] Paths =
    [
        "/v1/lookup", "/v1/kernels", "/v1/changes", "/v1/bulk", "/v1/coverage", "/v1/coverage/gaps", "/v1/coverage/listed", "/v1/coverage/listed/gaps", "/v1/badge.svg", "/v1/runs", "/v1/chain", "/api/v1/download",
    ];

    private static IEnumerable<string> Requests()
    {
        foreach (var segment in Segments)
        {
            yield return Get($"/{segment}/12/x86_64/6.1.0-1-amd64.btf");
            yield return Get($"/debian/12/x86_64/{segment}.btf.tar.xz");
            yield return Get($"/v1/btf/{segment}");
            yield return Get($"/buildid/{segment}/section/.BTF");
            yield return Get($"/coolbpf/btf/x86_64/vmlinux-{segment}");
            yield return Get($"/by-digest/{segment}/{segment}.btf.tar.xz");
            yield return $"POST /v1/admin/kernels/debian/12/x86_64/{segment}/withdraw HTTP/1.1";
        }
        foreach (var path in Paths)
        {
            foreach (var query in Queries)
                yield return Get($"{path}?{query}");
        }
        foreach (var header in Headers)
            yield return Get(Tree) + "\r\n" + header;
        foreach (var method in Methods)
            yield return $"{method} {Tree} HTTP/1.1";
        foreach (var version in (string[])["HTTP/9.9", "HTTP/0.9", "HTTP/1.1 x", "", "http/1.1", "FTP/1.0"])
            yield return $"GET {Tree} {version}";
        foreach (var path in (string[])["", "*", "http://evil.example/", "//evil.example/", "/" + new string('a', 9000), "/" + new string('/', 4000), "/?" + new string('q', 15000), "/" + new string('a', 70000), "/a" + string.Concat(Enumerable.Repeat("/..", 500)), "\u0000", "/\u0001\u0002", "/é", "/debian/12/x86_64/" + new string('6', 300) + ".btf"])
            yield return Get(path);
        yield return Get(Tree) + "\r\n" + string.Join("\r\n", Enumerable.Range(0, 200).Select(i => $"H{i}: v"));
        yield return Get(Tree) + "\r\nBig: " + new string('x', 40000);
        yield return Get(Tree) + "\r\nNo colon here";
        yield return Get(Tree) + "\r\n : empty name";
        yield return Get(Tree) + "\r\nFolded: a\r\n b";
        yield return "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003"; // TLS
        yield return "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0000\u0000\u0000\u0004\u0000\u0000\u0000\u0000\u0000";
        yield return "\r\n\r\n\r\n";
        foreach (var body in (string[])["Content-Length: 5\r\n\r\nhello", "Content-Length: 2000000000\r\n\r\nx", "Transfer-Encoding: chunked\r\n\r\nZZ\r\nx\r\n", "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", "Content-Type: multipart/form-data; boundary=\r\nContent-Length: 4\r\n\r\n----", "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 9\r\n\r\n--x\r\n\r\n\r\n-"])
        {
            foreach (var path in (string[])["/v1/minimize", "/v1/compat", "/api/v1/customize?distribution=debian", "/v1/lookup", "/v1/admin/verify"])
                yield return $"POST {path} HTTP/1.1\r\n{body}";
        }
    }

    private static string Get(string path) => $"GET {path} HTTP/1.1";

    [Fact]
    public async Task NoHostileRequestIsAnErrorOfOurs()
    {
        await api.PublishAsync(ApiFixture.Build("6.1.0-1-amd64"), Btf);
        var requests = Requests().ToList();
        Assert.True(requests.Count >= 200, $"{requests.Count}");
        var offenders = new List<string>();
        await Parallel.ForEachAsync(requests, new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (request, _) =>
        {
            if (Offence(await AnswerAsync(request)) is { } offence)
            {
                lock (offenders)
                    offenders.Add($"{request[..Math.Min(request.Length, 150)]}: {offence}");
            }
        });
        Assert.True(offenders.Count == 0, string.Join('\n', offenders));
        Assert.Equal(ApiFixture.Form(Btf), ApiFixture.Form(await api.Client.GetByteArrayAsync(Tree)));
    }

    /// <summary>Many clients that never finish their request: others are served meanwhile.</summary>
    [Fact]
    public async Task SlowClientsDoNotKeepOthersFromBeingServed()
    {
        await api.PublishAsync(ApiFixture.Build("6.1.0-1-amd64"), Btf);
        var slow = new List<TcpClient>();
        for (var i = 0; i < 300; i++)
        {
            var client = new TcpClient();
            await client.ConnectAsync(api.Address.Host, api.Address.Port);
            await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(Get(Tree) + "\r\nHo"));
            slow.Add(client);
        }
        for (var i = 0; i < 20; i++)
            Assert.Equal(Btf.Length, (await api.Client.GetByteArrayAsync(Tree)).Length);
        slow.ForEach(c => c.Dispose());
    }

    [Fact]
    public async Task AClientThatAsksTooOftenIsToldToComeLaterAndThisMachineIsNot()
    {
        const int Burst = 5, Requests = 40;
        using var limited = new ApiFixture(("Urls", "http://0.0.0.0:0"), ("Limits:RequestsPerSecond", "1"), ("Limits:Burst", $"{Burst}"));
        var other = NetworkInterface.GetAllNetworkInterfaces().SelectMany(i => i.GetIPProperties().UnicastAddresses)
            .Select(a => a.Address).First(a => a.AddressFamily == AddressFamily.InterNetwork && !IPAddress.IsLoopback(a));
        Assert.All(await StatusesAsync(IPAddress.Loopback), status => Assert.Equal(HttpStatusCode.OK, status));
        var told = await StatusesAsync(other);
        Assert.All(told.Take(Burst), status => Assert.Equal(HttpStatusCode.OK, status));
        Assert.Contains(HttpStatusCode.TooManyRequests, told);
        Assert.All(await StatusesAsync(IPAddress.Loopback), status => Assert.Equal(HttpStatusCode.OK, status));

        async Task<List<HttpStatusCode>> StatusesAsync(IPAddress address)
        {
            var statuses = new List<HttpStatusCode>();
            for (var i = 0; i < Requests; i++)
            {
                using var answer = await limited.Client.GetAsync(new Uri($"http://{address}:{limited.Address.Port}/health/live"));
                statuses.Add(answer.StatusCode);
            }
            return statuses;
        }
    }

    private async Task<string> AnswerAsync(string request)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(api.Address.Host, api.Address.Port);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var stream = client.GetStream();
        var hasBody = request.Contains("\r\n\r\n", StringComparison.Ordinal);
        var text = hasBody ? request.Replace(" HTTP/1.1\r\n", " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", StringComparison.Ordinal) : request + "\r\nHost: localhost\r\nConnection: close\r\n\r\n";
        try
        {
            await stream.WriteAsync(Encoding.Latin1.GetBytes(text), limit.Token);
            using var reader = new StreamReader(stream, Encoding.Latin1);
            var answer = reader.ReadToEndAsync(limit.Token);
            if (await Task.WhenAny(answer, Task.Delay(Patience)) != answer)
                client.Client.Shutdown(SocketShutdown.Send); // It waits for more, and is told that there is none; told at once, it would not answer at all.
            return await answer;
        }
        catch (IOException)
        {
            return ""; // Refused by closing the connection.
        }
        catch (SocketException)
        {
            return "";
        }
    }

    /// <summary>What is wrong with an answer; null where nothing is. A client error is a problem document, unless the request could not even be parsed.</summary>
    private static string? Offence(string answer)
    {
        if (answer.Length == 0)
            return null;
        var (line, head) = (answer.Split("\r\n")[0], answer.Split("\r\n\r\n")[0]);
        if (!line.StartsWith("HTTP/1.1 ", StringComparison.Ordinal))
            return line.StartsWith("HTTP/1.0", StringComparison.Ordinal) || line[0] == '\0' ? null : line;
        if (line[9] is not ('2' or '3' or '4') && !line.Contains(" 505 ", StringComparison.Ordinal)) // An HTTP version that there is not.
            return line;
        if (answer.Contains("   at Archive.", StringComparison.Ordinal) || answer.Contains("System.", StringComparison.Ordinal))
            return "leaks internals: " + line;
        if (head.Contains("X-Evil", StringComparison.OrdinalIgnoreCase))
            return "injected header";
        var hasBody = !head.Contains("Content-Length: 0", StringComparison.Ordinal) && !line.Contains(" 304", StringComparison.Ordinal);
        return line[9] == '4' && hasBody && !head.Contains("application/problem+json", StringComparison.Ordinal) ? "no problem document: " + line : null;
    }
}
