using System.Diagnostics;
using TestKit;

namespace Benchmarks;

/// <summary>nginx with as many workers as there are processors: <c>/200</c> answers at once, everything else is a file of the folder.</summary>
internal sealed class WebServer : IDisposable
{
    private readonly Process _process;

    public WebServer(string folder, string scratch)
    {
        Address = new Uri($"http://127.0.0.1:{Ports.Free()}");
        var configuration = Path.Combine(scratch, "nginx.conf");
        File.WriteAllText(configuration, $$"""
            worker_processes {{Environment.ProcessorCount}}; daemon off; pid {{scratch}}/nginx.pid; error_log {{scratch}}/nginx.log;
            events { worker_connections 4096; }
            http {
              access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; default_type application/octet-stream;
              server { listen 127.0.0.1:{{Address.Port}}; root {{folder}}; location = /200 { return 200 '{"status":"ok"}'; } }
            }
            """);
        _process = Process.Start("nginx", ["-c", configuration]);
        Thread.Sleep(TimeSpan.FromSeconds(1));
    }

    public Uri Address { get; }

    public void Dispose()
    {
        ChildProcess.Run(["kill", $"{_process.Id}"]);
        _process.WaitForExit();
        _process.Dispose();
    }
}
