using System.Globalization;
using Archive.Crawler.Runs;
using Archive.Crawler.Sources;
using Archive.Store.Kernels;
using Quartz;

namespace Archive.Crawler.Scheduling;

/// <summary>A crawl that somebody asked for, with what it is to look for where that is not what the configuration says.</summary>
public sealed record ManualCrawl
{
    private const string Marker = "manual";

    public IReadOnlyList<string> Releases { get; init; } = [];

    public IReadOnlyList<string> Arches { get; init; } = [];

    public IReadOnlyList<string> Flavours { get; init; } = [];

    public int? Newest { get; init; }

    public string? UnamePattern { get; init; }

    public bool RetryFailed { get; init; }

    /// <summary>What of it the source does not have; null where it has all.</summary>
    public string? ProblemWith(SourceDefinition source)
    {
        if (Releases.FirstOrDefault(r => r != CrawlRequest.All && source.FindRelease(r) is null) is { } release)
            return $"{source.Id} has no release '{release}'; it has {string.Join(", ", source.Releases.Select(r => r.Codename))}.";
        if (Arches.FirstOrDefault(a => a != CrawlRequest.All && !source.Arches.Values.Contains(KernelNames.Arch(a))) is { } arch)
            return $"{source.Id} has no arch '{arch}'; it has {string.Join(", ", source.Arches.Values.Distinct())}.";
        if (Flavours.FirstOrDefault(f => f != CrawlRequest.All && f != SourceDefinition.GenericFlavour && !source.Flavours.ContainsKey(f)) is { } flavour)
            return $"{source.Id} has no flavour '{flavour}'; it has {string.Join(", ", source.Flavours.Keys.Prepend(SourceDefinition.GenericFlavour))}.";
        return Newest < 1 ? $"newest is {Newest}; it is 1 or more." : null;
    }

    /// <summary>As the data of a trigger: text alone, which every job store keeps.</summary>
    public JobDataMap ToData() => new()
    {
        [Marker] = "true",
        ["release"] = string.Join(' ', Releases),
        ["arch"] = string.Join(' ', Arches),
        ["flavour"] = string.Join(' ', Flavours),
        ["newest"] = Newest?.ToString(CultureInfo.InvariantCulture) ?? "",
        ["uname"] = UnamePattern ?? "",
        ["retry"] = RetryFailed ? "true" : "",
    };

    /// <summary>Null for a trigger of the schedule.</summary>
    internal static ManualCrawl? Of(JobDataMap data) => !data.ContainsKey(Marker) ? null : new ManualCrawl
    {
        Releases = Words(data, "release"),
        Arches = Words(data, "arch"),
        Flavours = Words(data, "flavour"),
        Newest = int.TryParse(data.GetString("newest"), NumberStyles.None, CultureInfo.InvariantCulture, out var newest) ? newest : null,
        UnamePattern = data.GetString("uname") is { Length: > 0 } uname ? uname : null,
        RetryFailed = data.GetString("retry") == "true",
    };

    internal CrawlRequest ApplyTo(CrawlRequest request) => request with
    {
        Releases = Releases.Count > 0 ? Releases : request.Releases,
        Arches = Arches.Count > 0 ? Arches : request.Arches,
        Flavours = Flavours.Count > 0 ? Flavours : request.Flavours,
        Newest = Newest ?? request.Newest,
        UnamePattern = UnamePattern,
        RetryFailed = RetryFailed,
    };

    private static string[] Words(JobDataMap data, string key) => (data.GetString(key) ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
