using System.Text.Json.Serialization;

namespace Archive.Store.Catalogue;

/// <summary>How it stands with a crawl run.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<CrawlRunState>))]
public enum CrawlRunState
{
    [JsonStringEnumMemberName("running")]
    Running,

    /// <summary>It went to its end and read every part of the source; single kernels may have failed.</summary>
    [JsonStringEnumMemberName("complete")]
    Complete,

    /// <summary>It went to its end, without parts that could not be read or trusted.</summary>
    [JsonStringEnumMemberName("partial")]
    Partial,

    /// <summary>It ended early: nothing could be read, nothing could be stored, or it was stopped.</summary>
    [JsonStringEnumMemberName("failed")]
    Failed,

    /// <summary>Its process ended without a word.</summary>
    [JsonStringEnumMemberName("interrupted")]
    Interrupted,
}

/// <param name="Error">Why the run failed, or which of its suites could not be read; null where it went through (single kernels may have failed).</param>
public sealed record CrawlRunResult(int Found, int New, int Published, int Failed, long DownloadedBytes, string? Error)
{
    /// <summary>Kernels by how it went with them.</summary>
    public IReadOnlyDictionary<string, int> Outcomes { get; init; } = new Dictionary<string, int>();

    /// <summary>Parts of the source that could not be read or trusted, each with the reason.</summary>
    public IReadOnlyList<string> Failures { get; init; } = [];

    /// <summary>The run ended before its end.</summary>
    [JsonIgnore]
    public bool IsBroken { get; init; }

    [JsonIgnore]
    public CrawlRunState State => IsBroken ? CrawlRunState.Failed : Error is not null ? CrawlRunState.Partial : CrawlRunState.Complete;

    public bool Equals(CrawlRunResult? other) => other is not null
        && (Found, New, Published, Failed, DownloadedBytes, Error, IsBroken) == (other.Found, other.New, other.Published, other.Failed, other.DownloadedBytes, other.Error, other.IsBroken)
        && Outcomes.Count == other.Outcomes.Count && !Outcomes.Except(other.Outcomes).Any() && Failures.SequenceEqual(other.Failures);

    public override int GetHashCode() => HashCode.Combine(Found, New, Published, Failed, DownloadedBytes, Error);
}

/// <param name="Result">What came of it; of a run that goes on, so far. Null where nothing was noted yet.</param>
public sealed record CrawlRunRecord(long Id, string Source, DateTimeOffset Started, DateTimeOffset? Finished, CrawlRunResult? Result)
{
    /// <summary>A run that is not heard of for longer is dead.</summary>
    public static TimeSpan AliveFor { get; } = TimeSpan.FromMinutes(5);

    public CrawlRunState State { get; init; }

    /// <summary>Last sign of life.</summary>
    public DateTimeOffset Updated { get; init; }

    /// <summary>What it is at; null where it is at an end, or said nothing.</summary>
    public string? Doing { get; init; }
}

/// <summary>The history of a source.</summary>
/// <param name="Runs">Ever started.</param>
/// <param name="LastSuccess">End of the last run that went to its end; null for none.</param>
/// <param name="LastComplete">End of the last run that also read every part; null for none.</param>
/// <param name="Published">Kernels, by all runs; <paramref name="Failed"/> counts attempts.</param>
public sealed record SourceRuns(
    string Source, long Runs, DateTimeOffset? LastSuccess, DateTimeOffset? LastComplete, long Published, long Failed, long DownloadedBytes);
