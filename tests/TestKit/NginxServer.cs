using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;

namespace TestKit;

/// <summary>A real nginx on the loopback with the server block that the project ships (infra/compose/nginx.conf), before replicas of a test's own.</summary>
public sealed class NginxServer : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Process _process;

    /// <param name="first">Port of <c>api-1</c>, as <paramref name="second"/> is of <c>api-2</c>.</param>
    public NginxServer(int first, int second)
    {
        Url = new Uri($"http://127.0.0.1:{Ports.Free()}/");
        var shipped = File.ReadAllText(Path.Combine(Checkout.Root, "infra", "compose", "nginx.conf"));
        _folder.Write("archive.conf", shipped
            .Replace("api-1:8080", Loopback(first), StringComparison.Ordinal)
            .Replace("api-2:8080", Loopback(second), StringComparison.Ordinal)
            .Replace("listen 8080", $"listen {Loopback(Url.Port)}", StringComparison.Ordinal));
        var temporary = string.Join('\n', new[] { "client_body", "proxy", "fastcgi", "uwsgi", "scgi" }.Select(kind => $"{kind}_temp_path {_folder.File(kind)};"));
        var configuration = _folder.Write("nginx.conf", $$"""
            daemon off; pid {{_folder.File("pid")}};
            {{(Environment.IsPrivilegedProcess ? "user root;" : "")}}
            events {}
            http { access_log {{_folder.File("access.log")}}; {{temporary}} include {{_folder.File("archive.conf")}}; }
            """);
        // It goes when our end of its guard's input is closed, which happens at our death too.
        _process = Tool.Start("sh", ["-c", $"nginx -p {_folder.FullPath} -c {configuration} -e {_folder.File("error.log")} >/dev/null 2>&1 & server=$!; cat >/dev/null; kill $server; wait $server"]);
        WaitUntilReady();
    }

    public Uri Url { get; }

    /// <summary>What it noted of its own troubles.</summary>
    public string Errors => File.Exists(_folder.File("error.log")) ? File.ReadAllText(_folder.File("error.log")) : "";

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
        _folder.Dispose();
    }

    private static string Loopback(int port) => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{port}");

    private void WaitUntilReady()
    {
        for (var waited = Stopwatch.StartNew(); ; Thread.Sleep(50))
        {
            try
            {
                using var client = new TcpClient(Url.Host, Url.Port);
                return;
            }
            catch (SocketException) when (waited.Elapsed < TimeSpan.FromSeconds(20))
            {
            }
        }
    }
}
