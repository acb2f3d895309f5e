using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using TestKit;

namespace Archive.EndToEnd.Tests;

/// <summary>The real Archive.Api as a process of its own, on a free port.</summary>
internal sealed class ArchiveProcess : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _log = new();
    private readonly HttpClient _client = new();

    private ArchiveProcess(Process process, Uri address)
    {
        _process = process;
        Address = address;
        DataReceivedEventHandler keep = (_, e) =>
        {
            lock (_log)
                _log.AppendLine(e.Data);
        };
        process.OutputDataReceived += keep;
        process.ErrorDataReceived += keep;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public Uri Address { get; }

    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    /// <param name="settings">Such as <c>--Roles:Crawler=false</c>.</param>
    public static ArchiveProcess Start(string data, params string[] settings) => StartAt(Ports.Free(), data, settings);

    /// <summary>On a port that clients know already.</summary>
    public static ArchiveProcess StartAt(int port, string data, params string[] settings) => StartIn(new Dictionary<string, string>(), port, data, settings);

    /// <summary>With environment variables beside those of this process.</summary>
    public static ArchiveProcess StartIn(IReadOnlyDictionary<string, string> environment, int port, string data, params string[] settings)
    {
        var address = new Uri($"http://127.0.0.1:{port}");
        var process = Tool.Start("dotnet", [Programs.Api, $"--Urls={address}", $"--DataDirectory={data}", .. settings], environment);
        return new ArchiveProcess(process, address);
    }

    public JsonNode Get(string path) => JsonNode.Parse(GetBytes(path))!;

    public byte[] GetBytes(string path) => _client.GetByteArrayAsync(new Uri(Address, path)).GetAwaiter().GetResult();

    /// <summary>Uploads files; the answer's body.</summary>
    public byte[] Post(string path, IEnumerable<string> files)
    {
        using var form = new MultipartFormDataContent();
        foreach (var file in files)
            form.Add(new ByteArrayContent(File.ReadAllBytes(file)), "object", Path.GetFileName(file));
        using var answer = _client.PostAsync(new Uri(Address, path), form).GetAwaiter().GetResult();
        var body = answer.Content.ReadAsByteArrayAsync().GetAwaiter().GetResult();
        return answer.IsSuccessStatusCode ? body : throw new InvalidOperationException($"{path}: {answer.StatusCode} {Encoding.UTF8.GetString(body)}");
    }

    /// <summary>The first published kernel, as soon as there is one.</summary>
    public JsonNode WaitForKernel(TimeSpan limit)
    {
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < limit)
        {
            try
            {
                if (Get("/v1/kernels?outcome=published")["kernels"]!.AsArray() is { Count: > 0 } kernels)
                    return kernels[0]!;
            }
            catch (HttpRequestException) when (!_process.HasExited)
            {
                // Not listening yet.
            }
            Thread.Sleep(300);
        }
        throw new TimeoutException($"no kernel was published in time\n{Log}");
    }

    /// <summary>SIGTERM, as a supervisor stops it; its exit status.</summary>
    public int Stop()
    {
        Tool.Run("kill", "-TERM", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture));
        return _process.WaitForExit(TimeSpan.FromSeconds(60)) ? _process.ExitCode : throw new TimeoutException($"it does not stop\n{Log}");
    }

    public void WaitUntilReady(TimeSpan limit)
    {
        for (var clock = Stopwatch.StartNew(); ; Thread.Sleep(100))
        {
            try
            {
                GetBytes("/health/ready");
                return;
            }
            catch (HttpRequestException notYet)
            {
                if (_process.HasExited || clock.Elapsed > limit)
                    throw new TimeoutException($"it is not ready, and {(_process.HasExited ? "has ended" : "runs")}\n{Log}", notYet);
            }
        }
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        _client.Dispose();
    }
}

/// <summary>The product's programs, as they were built for these tests.</summary>
internal static class Programs
{
    public static string Api => Path.Combine(AppContext.BaseDirectory, "Archive.Api.dll");

    public static string Crawler => Path.Combine(AppContext.BaseDirectory, "Archive.Crawler.dll");
}
