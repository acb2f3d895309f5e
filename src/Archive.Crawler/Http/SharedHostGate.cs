using System.Data.Common;
using System.Globalization;
using Archive.Store.Catalogue;
using Microsoft.Extensions.Logging;

namespace Archive.Crawler.Http;

/// <summary>
/// A host that several workers ask: rate, bytes of the day and pauses are the cluster's, in its database. Connections are counted by this
/// worker's own gate; how many workers download from a host at once is the scheduler's to limit.
/// </summary>
/// <param name="local">Keeps the connections of this worker.</param>
internal sealed class SharedHostGate(string host, Politeness politeness, SharedHosts hosts, IHostGate local, TimeProvider clock, ILogger log) : IHostGate
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMinutes(1), LastPause = TimeSpan.FromHours(1);

    /// <summary>Received bytes are told from time to time: what a killed worker did not tell is less than this.</summary>
    private const long TellEvery = 16 << 20;

    private long _untold;
    private bool _hadFailures = true;

    public async Task<IDisposable> EnterAsync(Uri url, CancellationToken cancellation)
    {
        var known = await hosts.FindAsync(host, cancellation);
        Check(url, known);
        _hadFailures = known.Failures > 0;
        var turn = await local.EnterAsync(url, cancellation);
        try
        {
            var wait = await hosts.TakeStartAsync(host, TimeSpan.FromSeconds(1 / politeness.RequestsPerSecond), cancellation);
            await Task.Delay(wait, clock, cancellation);
            return turn;
        }
        catch
        {
            turn.Dispose();
            throw;
        }
    }

    public void Received(int bytes)
    {
        local.Received(bytes);
        if (Interlocked.Add(ref _untold, bytes) >= TellEvery)
            Tell(h => h.ReceivedAsync(host, Interlocked.Exchange(ref _untold, 0), CancellationToken.None));
    }

    public void Succeeded()
    {
        local.Succeeded();
        if (_hadFailures)
            Tell(h => h.SucceededAsync(host, CancellationToken.None));
    }

    public void Failed()
    {
        local.Failed();
        Tell(h => h.FailedAsync(host, politeness.FailuresBeforePause, FirstPause, LastPause, CancellationToken.None));
    }

    public void Dispose() => local.Dispose();

    private void Check(Uri url, SharedHost known)
    {
        if (known.PausedUntil > clock.GetUtcNow())
            throw new MirrorException(url, string.Create(CultureInfo.InvariantCulture, $"{host} is left alone until {known.PausedUntil:u}: {known.Failures} failures in a row")) { RetryAt = known.PausedUntil };
        if (politeness.BytesPerDay > 0 && known.BytesToday >= politeness.BytesPerDay)
            throw new MirrorException(url, $"{host} sent {known.BytesToday} bytes today, {politeness.BytesPerDay} are allowed") { RetryAt = new DateTimeOffset(clock.GetUtcNow().UtcDateTime.Date.AddDays(1), TimeSpan.Zero) };
    }

    /// <summary>Beside the request, which goes on whether or not the others hear of it.</summary>
    private void Tell(Func<SharedHosts, Task> tell) => _ = TellAsync(tell);

    private async Task TellAsync(Func<SharedHosts, Task> tell)
    {
        try
        {
            await tell(hosts);
        }
        catch (DbException e)
        {
            log.LogWarning("What {Host} did could not be told the other workers: {Reason}", host, e.Message);
        }
    }
}

/// <summary>Where what hosts are asked for is counted, and where it is said that it cannot be.</summary>
internal sealed record SharedPoliteness(SharedHosts Hosts, ILogger Log);
