using System.Globalization;

namespace Archive.Crawler.Http;

/// <summary>
/// One host: how many requests are under way, when the next may begin, what it sent today, and whether it is left alone for a while
/// because it fails. The pause doubles with each failure after it, up to an hour.
/// </summary>
internal sealed class HostGate(string host, Politeness politeness, TimeProvider clock) : IHostGate
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMinutes(1), LastPause = TimeSpan.FromHours(1);

    private readonly SemaphoreSlim _connections = new(politeness.Connections);
    private readonly Lock _lock = new();
    private DateTimeOffset _nextStart = DateTimeOffset.MinValue;
    private DateTimeOffset _pausedUntil = DateTimeOffset.MinValue;
    private DateOnly _day;
    private long _bytesToday;
    private int _failures;

    /// <summary>Waits for the request's turn; what is returned ends it.</summary>
    /// <exception cref="MirrorException">The host is left alone, or its bytes for today are used up.</exception>
    public async Task<IDisposable> EnterAsync(Uri url, CancellationToken cancellation)
    {
        CheckOpen(url);
        await _connections.WaitAsync(cancellation);
        try
        {
            CheckOpen(url);
            if (TakeStart() is { Ticks: > 0 } wait)
                await Task.Delay(wait, clock, cancellation);
            return new Turn(_connections);
        }
        catch
        {
            _connections.Release();
            throw;
        }
    }

    public void Received(int bytes)
    {
        lock (_lock)
        {
            StartDay();
            _bytesToday += bytes;
        }
    }

    public void Succeeded()
    {
        lock (_lock)
            _failures = 0;
    }

    public void Failed()
    {
        lock (_lock)
        {
            var beyond = ++_failures - politeness.FailuresBeforePause;
            if (beyond >= 0)
                _pausedUntil = clock.GetUtcNow() + TimeSpan.FromTicks(Math.Min(LastPause.Ticks, FirstPause.Ticks << Math.Min(beyond, 10)));
        }
    }

    public void Dispose() => _connections.Dispose();

    private void CheckOpen(Uri url)
    {
        lock (_lock)
        {
            StartDay();
            if (_pausedUntil > clock.GetUtcNow())
                throw new MirrorException(url, string.Create(CultureInfo.InvariantCulture, $"{host} is left alone until {_pausedUntil:u}: {_failures} failures in a row")) { RetryAt = _pausedUntil };
            if (politeness.BytesPerDay > 0 && _bytesToday >= politeness.BytesPerDay)
                throw new MirrorException(url, $"{host} sent {_bytesToday} bytes today, {politeness.BytesPerDay} are allowed") { RetryAt = Tomorrow() };
        }
    }

    private DateTimeOffset Tomorrow() => new(_day.AddDays(1), TimeOnly.MinValue, TimeSpan.Zero);

    private void StartDay()
    {
        var today = DateOnly.FromDateTime(clock.GetUtcNow().UtcDateTime);
        if (today != _day)
            (_day, _bytesToday) = (today, 0);
    }

    /// <summary>Requests begin at even distances; how long this one has to wait.</summary>
    private TimeSpan TakeStart()
    {
        lock (_lock)
        {
            var now = clock.GetUtcNow();
            var start = _nextStart > now ? _nextStart : now;
            _nextStart = start + TimeSpan.FromSeconds(1 / politeness.RequestsPerSecond);
            return start - now;
        }
    }

    private sealed class Turn(SemaphoreSlim connections) : IDisposable
    {
        private SemaphoreSlim? _connections = connections;

        public void Dispose() => Interlocked.Exchange(ref _connections, null)?.Release();
    }
}
