namespace Archive.Crawler.Http;

/// <summary>What a host is asked for at most, by all crawls of this process together.</summary>
public sealed record Politeness
{
    public static Politeness Default { get; } = new();

    /// <summary>Requests whose answers are being read at one time.</summary>
    public int Connections { get; init; } = 4;

    /// <summary>Requests begun in a second.</summary>
    public double RequestsPerSecond { get; init; } = 10;

    /// <summary>Bytes received in a day (UTC); 0 for any number.</summary>
    public long BytesPerDay { get; init; }

    /// <summary>Failures in a row (no connection, broken answers, statuses of 500 and above) after which the host is left alone.</summary>
    public int FailuresBeforePause { get; init; } = 8;
}
