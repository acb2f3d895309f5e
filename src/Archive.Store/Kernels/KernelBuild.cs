namespace Archive.Store.Kernels;

/// <summary>How it went with a kernel build the last time we tried (DESIGN: Outcomes).</summary>
public enum Outcome
{
    /// <summary>Seen in an index, not yet tried.</summary>
    Pending,
    Published,
    NoDebugInfo,
    DownloadFailed,
    SignatureFailed,
    Malformed,
    Unsupported,
    Conflict,
    Withdrawn,

    /// <summary>The kernel ships its own BTF, and the source's policy is to note that and store nothing.</summary>
    Native,
}

/// <summary>One kernel package as an index listed it: the unit that is crawled, converted and published.</summary>
public sealed record KernelBuild
{
    public required KernelKey Key { get; init; }

    public required string PackageName { get; init; }

    public required string PackageVersion { get; init; }

    /// <summary>Lower-case hex, as the signed index states it.</summary>
    public required string PackageSha256 { get; init; }

    /// <summary>Bytes, as the signed index states it.</summary>
    public required long PackageSize { get; init; }

    public required Uri PackageUrl { get; init; }
}

/// <summary>A build with its outcome: one row of the catalogue.</summary>
public sealed record KernelRecord
{
    /// <summary>Rises with every change to the row; what <c>/v1/changes</c> and paging count by.</summary>
    public required long Sequence { get; init; }

    public required KernelBuild Build { get; init; }

    public required Outcome Outcome { get; init; }

    /// <summary>Why, in words for a user; null while pending and when published.</summary>
    public string? Reason { get; init; }

    public required int Attempts { get; init; }

    public required DateTimeOffset FirstSeen { get; init; }

    public required DateTimeOffset Updated { get; init; }

    /// <summary>When a failure is worth another try; null for never (until asked).</summary>
    public DateTimeOffset? RetryAt { get; init; }

    /// <summary>
    /// What was published of the build, ever: set when <see cref="Outcome"/> is <see cref="Outcome.Published"/>, and kept when it becomes
    /// <see cref="Outcome.Conflict"/> (what was published first is still served) or <see cref="Outcome.Withdrawn"/> (it is not).
    /// </summary>
    public Publication? Publication { get; init; }
}

/// <summary>One stored form of a kernel's BTF.</summary>
/// <param name="Sha256">Lower-case hex; the strong ETag.</param>
/// <param name="Size">Bytes.</param>
public sealed record StoredForm(string Sha256, long Size);

/// <summary>What was published of a build.</summary>
public sealed record Publication
{
    /// <summary>GNU build-id of the vmlinux, lower-case hex; null where it has none.</summary>
    public string? BuildId { get; init; }

    /// <summary><c>btf</c> (the image's own section) or <c>dwarf</c>.</summary>
    public required string TakenFrom { get; init; }

    /// <summary>The kernel ships its own BTF, so that a host with it may not need ours.</summary>
    public required bool ShipsBtf { get; init; }

    public required DateTimeOffset PublishedAt { get; init; }

    /// <summary>Raw BTF.</summary>
    public required StoredForm Raw { get; init; }

    /// <summary>The <c>.btf.tar.xz</c>.</summary>
    public required StoredForm Tarball { get; init; }

    public required StoredForm Provenance { get; init; }

    /// <summary>The <c>.tar.xz</c> of the modules' split BTF; null where none was published.</summary>
    public StoredForm? Modules { get; init; }
}
