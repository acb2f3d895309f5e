using System.Text.Json.Serialization;
using Archive.Api.Endpoints;
using Archive.Store.Catalogue;
using Archive.Store.Kernels;

namespace Archive.Api.Kernels;

/// <summary>One downloadable form.</summary>
/// <param name="Url">Path on this server; the content behind a digest never changes.</param>
public sealed record FormDocument(string Url, string Sha256, long Size);

/// <summary>A kernel as the API shows it.</summary>
public sealed record KernelDocument
{
    public required long Sequence { get; init; }
    public required string Distro { get; init; }
    public required string Version { get; init; }
    public required string Arch { get; init; }
    public required string Uname { get; init; }
    public required string Package { get; init; }
    public required string PackageVersion { get; init; }
    public required string Outcome { get; init; }
    public string? Reason { get; init; }
    public required int Attempts { get; init; }
    public required DateTimeOffset FirstSeen { get; init; }
    public required DateTimeOffset Updated { get; init; }
    public DateTimeOffset? RetryAt { get; init; }
    public string? BuildId { get; init; }

    /// <summary><c>btf</c> (the kernel's own section) or <c>dwarf</c>.</summary>
    public string? TakenFrom { get; init; }

    /// <summary>A host with this kernel finds the same in <c>/sys/kernel/btf/vmlinux</c>.</summary>
    public bool? ShipsBtf { get; init; }
    public DateTimeOffset? PublishedAt { get; init; }
    public FormDocument? Btf { get; init; }
    public FormDocument? Tarball { get; init; }
    public FormDocument? Provenance { get; init; }

    public static KernelDocument Of(KernelRecord record)
    {
        var key = record.Build.Key;
        var publication = KernelIndex.IsServed(record) ? record.Publication : null;
        return new KernelDocument
        {
            Sequence = record.Sequence,
            Distro = key.Distro,
            Version = key.Version,
            Arch = key.Arch,
            Uname = key.Uname,
            Package = record.Build.PackageName,
            PackageVersion = record.Build.PackageVersion,
            Outcome = record.Outcome.Text(),
            Reason = record.Reason,
            Attempts = record.Attempts,
            FirstSeen = record.FirstSeen,
            Updated = record.Updated,
            RetryAt = record.RetryAt,
            BuildId = publication?.BuildId,
            TakenFrom = publication?.TakenFrom,
            ShipsBtf = publication?.ShipsBtf,
            PublishedAt = publication?.PublishedAt,
            Btf = publication is null ? null : FormOf(publication.Raw, ""),
            Tarball = publication is null ? null : FormOf(publication.Tarball, ""),
            Provenance = publication is null ? null : FormOf(publication.Provenance, publication.Tarball.Sha256 + "/provenance"),
        };
    }

    private static FormDocument FormOf(StoredForm form, string path) =>
        new("/v1/btf/" + (path.Length == 0 ? form.Sha256 : path), form.Sha256, form.Size);
}

/// <summary>A page of kernels, in order of sequence.</summary>
/// <param name="Next">Path of the next page; null on the last.</param>
public sealed record KernelPage(IReadOnlyList<KernelDocument> Kernels, string? Next);

/// <summary>A kernel that may be the one asked for.</summary>
/// <param name="Reasons">What speaks for it, in words.</param>
public sealed record LookupCandidate(KernelDocument Kernel, int Score, IReadOnlyList<string> Reasons);

/// <summary>What the question was understood to be.</summary>
public sealed record LookupQuery(string? Uname, string? Arch, string? Distro, string? Version, string? BuildId);

/// <summary>Candidates, best first. Where several that differ in content are equally good, the answer is ambiguous and says so.</summary>
public sealed record LookupAnswer(LookupQuery Query, bool Ambiguous, IReadOnlyList<LookupCandidate> Candidates);

/// <summary>One of several kernels that a request may mean.</summary>
/// <param name="Place">Path in the tree, without extension.</param>
public sealed record MissCandidate(string Place, string Url, int Score, IReadOnlyList<string> Reasons);

/// <summary>The latest crawl of a distro, beside a kernel that is not known.</summary>
public sealed record MissCrawl(string Source, DateTimeOffset Started, DateTimeOffset? Finished, string? Error);

public sealed record RunList(IReadOnlyList<CrawlRunRecord> Runs);

public sealed record HealthDocument(string Status, IReadOnlyDictionary<string, string> Checks);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(KernelPage))]
[JsonSerializable(typeof(LookupAnswer))]
[JsonSerializable(typeof(RunList))]
[JsonSerializable(typeof(SourceList))]
[JsonSerializable(typeof(SourceDetail))]
[JsonSerializable(typeof(HealthDocument))]
[JsonSerializable(typeof(KernelDocument))]
[JsonSerializable(typeof(IAsyncEnumerable<BtfhubIdentifier>))]
[JsonSerializable(typeof(MissCandidate[]))]
[JsonSerializable(typeof(MissCrawl))]
[JsonSerializable(typeof(FunctionDocument))]
[JsonSerializable(typeof(ManifestDocument))]
[JsonSerializable(typeof(CoverageDocument))]
[JsonSerializable(typeof(CoverageGaps))]
[JsonSerializable(typeof(AdminDone))]
[JsonSerializable(typeof(AuditLog))]
[JsonSerializable(typeof(Archive.Api.Admin.AuditReport))]
[JsonSerializable(typeof(ListedDocument))]
[JsonSerializable(typeof(ListedGaps))]
[JsonSerializable(typeof(AdminJobList))]
[JsonSerializable(typeof(Archive.Api.Admin.AdminJob))]
[JsonSerializable(typeof(Microsoft.AspNetCore.Mvc.ProblemDetails))]
internal sealed partial class ApiJson : JsonSerializerContext;
