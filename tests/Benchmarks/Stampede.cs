using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Benchmarks;

/// <summary>
/// A fleet that boots at once, each host by the boot client's own rules: one question and one download, and where either is refused, again
/// from the start after a random pause. The bound is that of docs/stampede.md.
/// </summary>
/// <param name="Spread">Seconds within which hosts ask first.</param>
/// <param name="Base">Seconds of the first pause at most; each further one may be twice as long.</param>
/// <param name="Cap">Seconds of any pause at most.</param>
internal sealed partial record Backoff(int Spread, int Base, int Cap, int Attempts)
{
    /// <summary>The defaults that the script has.</summary>
    public static Backoff OfScript(string script) => new(Of(script, "SPREAD"), Of(script, "BACKOFF_BASE"), Of(script, "BACKOFF_CAP"), Of(script, "ATTEMPTS"));

    /// <summary>As <c>delay</c> in the script: whole seconds, from 0 to min(cap, base * 2^n).</summary>
    public int Delay(int n) => Random.Shared.Next(Limit(n) + 1);

    public int FirstDelay() => Random.Shared.Next(Spread + 1);

    private int Limit(int n) => (int)Math.Min(Cap, Base * Math.Pow(2, Math.Min(n, 30)));

    /// <summary>
    /// Attempts a second that cannot be exceeded on average, whatever is refused. The n-th attempts are at most as dense as the attempts before
    /// them, because a random pause only smears them, and at most the whole fleet over the pause's range.
    /// </summary>
    public double Bound(int hosts)
    {
        var (density, sum) = ((double)hosts / (Spread + 1), (double)hosts / (Spread + 1));
        for (var n = 0; n < Attempts - 1; n++)
            sum += density = Math.Min(density, (double)hosts / (Limit(n) + 1));
        return sum;
    }

    private static int Of(string script, string name) => int.Parse(
        Regex.Match(script, $@"\{{BTF_{name}:=(?<value>\d+)\}}", RegexOptions.None, TimeSpan.FromSeconds(1)).Groups["value"].ValueSpan, CultureInfo.InvariantCulture);
}

/// <param name="question">Path and query that each host asks.</param>
internal sealed class Stampede(Uri archive, string question, Backoff backoff, int hosts) : IDisposable
{
    private readonly HttpClient _client = new(new SocketsHttpHandler { MaxConnectionsPerServer = 2000 }) { BaseAddress = archive, Timeout = TimeSpan.FromMinutes(2) };
    private readonly Stopwatch _clock = new();
    private readonly int[] _attempts = new int[3600], _served = new int[3600];
    private int _done, _gaveUp, _most;

    public void Dispose() => _client.Dispose();

    /// <returns>What came of it, in lines.</returns>
    public async Task<string> RunAsync()
    {
        _clock.Start();
        await Task.WhenAll(Enumerable.Range(0, hosts).Select(_ => BootAsync()));
        var (peak, bound) = (_attempts.Max(), backoff.Bound(hosts));
        return string.Create(CultureInfo.InvariantCulture, $"""
            hosts {hosts}, served {_done}, gave up {_gaveUp}, attempts {_attempts.Sum()}, most of one host {_most}
            last served after {_clock.Elapsed.TotalSeconds:0} s; median second {Median()}
            peak {peak} attempts/s; bound {bound:0} attempts/s; most served in a second {_served.Max()}
            """);
    }

    private async Task BootAsync()
    {
        await Task.Delay(TimeSpan.FromSeconds(backoff.FirstDelay()));
        for (var attempt = 0; attempt < backoff.Attempts; attempt++)
        {
            if (attempt > 0)
                await Task.Delay(TimeSpan.FromSeconds(backoff.Delay(attempt - 1)));
            Interlocked.Increment(ref _attempts[Second()]);
            if (!await TryAsync())
                continue;
            Interlocked.Increment(ref _served[Second()]);
            Interlocked.Increment(ref _done);
            InterlockedMax(attempt + 1);
            return;
        }
        Interlocked.Increment(ref _gaveUp);
    }

    /// <summary>The question, and what its answer names, to the last byte.</summary>
    private async Task<bool> TryAsync()
    {
        try
        {
            using var answer = await _client.GetAsync(new Uri(question, UriKind.Relative));
            if (!answer.IsSuccessStatusCode)
                return false;
            var form = (await answer.Content.ReadAsStringAsync()).Split('\n').First(line => line.StartsWith("tarball: ", StringComparison.Ordinal)).Split(' ');
            using var content = await _client.GetAsync(new Uri(form[3], UriKind.Relative), HttpCompletionOption.ResponseHeadersRead);
            if (!content.IsSuccessStatusCode)
                return false;
            await content.Content.CopyToAsync(Stream.Null);
            return content.Content.Headers.ContentLength == long.Parse(form[2], CultureInfo.InvariantCulture);
        }
        catch (Exception e) when (e is HttpRequestException or IOException or TaskCanceledException)
        {
            return false;
        }
    }

    private int Second() => (int)_clock.Elapsed.TotalSeconds;

    /// <summary>When half of the hosts were served.</summary>
    private int Median()
    {
        var (second, sum) = (0, 0);
        for (; second < _served.Length && (sum += _served[second]) < _done / 2; second++)
        {
        }
        return second;
    }

    private void InterlockedMax(int value)
    {
        for (int seen; (seen = _most) < value && Interlocked.CompareExchange(ref _most, value, seen) != seen;)
        {
        }
    }
}
