using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using TestKit;

namespace Benchmarks;

/// <summary>An archive that is served by a process of its own for as long as it is measured.</summary>
internal sealed partial class ServedArchive : IDisposable
{
    /// <summary>The work of the one request by tools: every tarball of a tree is unpacked, and bpftool run on what was in it. Arguments: bpftool, tree, scratch folder, objects.</summary>
    public const string Loop = """
        set -e
        bpftool=$0; tree=$1; scratch=$2; shift 2
        find "$tree" -name '*.btf.tar.xz' -not -path '*/by-digest/*' | while read -r tarball; do
            tar -xJOf "$tarball" > "$scratch/kernel.btf"
            "$bpftool" gen min_core_btf "$scratch/kernel.btf" "$scratch/min.btf" "$@"
        done
        """;

    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(1);

    private readonly Process _process;
    private readonly Uri _address;
    private readonly HttpClient _client = new();

    private ServedArchive(Process process, Uri address, int kernels) => (_process, _address, KernelCount) = (process, address, kernels);

    public int KernelCount { get; }

    public Uri Address => _address;

    /// <summary>What it has in memory now (<c>VmRSS</c>).</summary>
    public int ResidentMebibytes => Mebibytes(ResidentLine());

    /// <summary>The largest that the process has been (<c>VmHWM</c>).</summary>
    public int PeakMebibytes => Mebibytes(PeakLine());

    /// <param name="settings">Such as <c>--Catalogue=postgres</c>.</param>
    public static ServedArchive Start(string program, string data, params string[] settings)
    {
        var address = new Uri($"http://127.0.0.1:{Ports.Free()}");
        var process = Process.Start(new ProcessStartInfo(program,
            [$"--Urls={address}", $"--DataDirectory={data}", "--Roles:Crawler=false", "--Objects:MaxPerMinute=100000", .. settings])
        { RedirectStandardOutput = true, UseShellExecute = false })!;
        process.BeginOutputReadLine();
        return new ServedArchive(process, address, CountOf(address, process));
    }

    /// <summary>An upload of objects by curl.</summary>
    public Contestant Post(string route, IReadOnlyList<string> objects, string output, string name) =>
        new(name, ["curl", "-sSf", "-o", output, .. objects.SelectMany(path => (string[])["-F", $"object=@{path}"]), new Uri(_address, route).ToString()], output, IsPipeline: true);

    /// <summary>The bytes of a page, as a browser asks for it.</summary>
    public byte[] Get(string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_address, path));
        request.Headers.Accept.ParseAdd("text/html");
        using var answer = _client.Send(request);
        answer.EnsureSuccessStatusCode();
        return answer.Content.ReadAsByteArrayAsync().GetAwaiter().GetResult();
    }

    /// <summary>Bytes of whatever the archive answers, also where that is no.</summary>
    public async Task<int> LengthAsync(string path)
    {
        using var answer = await _client.GetAsync(new Uri(_address, path));
        return (int)answer.StatusCode < 500 ? (await answer.Content.ReadAsByteArrayAsync()).Length : throw new InvalidOperationException($"{path}: {answer.StatusCode}");
    }

    public void Dispose()
    {
        _client.Dispose();
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private int Mebibytes(Regex line) => int.Parse(line.Match(File.ReadAllText($"/proc/{_process.Id}/status")).Groups[1].ValueSpan, CultureInfo.InvariantCulture) >> 10;

    private static int CountOf(Uri address, Process process)
    {
        using var client = new HttpClient();
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < StartLimit && !process.HasExited; Thread.Sleep(20))
        {
            try
            {
                var page = client.GetStringAsync(new Uri(address, "/v1/kernels?outcome=published&limit=1000")).GetAwaiter().GetResult();
                return Published().Count(page);
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
        }
        throw new InvalidOperationException("the archive does not start");
    }

    [GeneratedRegex(@"VmHWM:\s+(\d+) kB")]
    private static partial Regex PeakLine();

    [GeneratedRegex(@"VmRSS:\s+(\d+) kB")]
    private static partial Regex ResidentLine();

    [GeneratedRegex("\"uname\"")]
    private static partial Regex Published();
}
