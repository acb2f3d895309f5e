using Archive.Store.Kernels;

namespace Archive.Store.Catalogue;

/// <summary>The columns of one row.</summary>
internal interface IKernelColumns
{
    string? Text(int column);

    long? Number(int column);
}

/// <summary>A row of <c>kernels</c> as Dapper reads it.</summary>
internal sealed class KernelRow
{
    public long Sequence { get; init; }
    public string Distro { get; init; } = "";
    public string Version { get; init; } = "";
    public string Arch { get; init; } = "";
    public string Uname { get; init; } = "";
    public string PackageName { get; init; } = "";
    public string PackageVersion { get; init; } = "";
    public string PackageSha256 { get; init; } = "";
    public long PackageSize { get; init; }
    public string PackageUrl { get; init; } = "";
    public string Outcome { get; init; } = "";
    public string? Reason { get; init; }
    public int Attempts { get; init; }
    public long FirstSeen { get; init; }
    public long Updated { get; init; }
    public long? RetryAt { get; init; }
    public string? BuildId { get; init; }
    public string? TakenFrom { get; init; }
    public int? ShipsBtf { get; init; }
    public long? PublishedAt { get; init; }
    public string? RawSha256 { get; init; }
    public long? RawSize { get; init; }
    public string? TarballSha256 { get; init; }
    public long? TarballSize { get; init; }
    public string? ProvenanceSha256 { get; init; }
    public long? ProvenanceSize { get; init; }
    public string? ModulesSha256 { get; init; }
    public long? ModulesSize { get; init; }

    /// <summary>A row of <see cref="KernelSql.Select"/>, whose order of columns this is. Several times as fast as a mapping by name.</summary>
    public static KernelRow Read<TColumns>(TColumns columns)
        where TColumns : struct, IKernelColumns => new()
        {
            Sequence = columns.Number(0) ?? 0,
            Distro = columns.Text(1) ?? "",
            Version = columns.Text(2) ?? "",
            Arch = columns.Text(3) ?? "",
            Uname = columns.Text(4) ?? "",
            PackageName = columns.Text(5) ?? "",
            PackageVersion = columns.Text(6) ?? "",
            PackageSha256 = columns.Text(7) ?? "",
            PackageSize = columns.Number(8) ?? 0,
            PackageUrl = columns.Text(9) ?? "",
            Outcome = columns.Text(10) ?? "",
            Reason = columns.Text(11),
            Attempts = (int)(columns.Number(12) ?? 0),
            FirstSeen = columns.Number(13) ?? 0,
            Updated = columns.Number(14) ?? 0,
            RetryAt = columns.Number(15),
            BuildId = columns.Text(16),
            TakenFrom = columns.Text(17),
            ShipsBtf = (int?)columns.Number(18),
            PublishedAt = columns.Number(19),
            RawSha256 = columns.Text(20),
            RawSize = columns.Number(21),
            TarballSha256 = columns.Text(22),
            TarballSize = columns.Number(23),
            ProvenanceSha256 = columns.Text(24),
            ProvenanceSize = columns.Number(25),
            ModulesSha256 = columns.Text(26),
            ModulesSize = columns.Number(27),
        };

    public KernelRecord ToRecord() => new()
    {
        Sequence = Sequence,
        Build = new KernelBuild
        {
            Key = new KernelKey(Distro, Version, Arch, Uname),
            PackageName = PackageName,
            PackageVersion = PackageVersion,
            PackageSha256 = PackageSha256,
            PackageSize = PackageSize,
            PackageUrl = new Uri(PackageUrl),
        },
        Outcome = OutcomeNames.Find(Outcome) ?? throw new InvalidDataException($"the catalogue holds the unknown outcome '{Outcome}'"),
        Reason = Reason,
        Attempts = Attempts,
        FirstSeen = DateTimeOffset.FromUnixTimeMilliseconds(FirstSeen),
        Updated = DateTimeOffset.FromUnixTimeMilliseconds(Updated),
        RetryAt = RetryAt is { } retryAt ? DateTimeOffset.FromUnixTimeMilliseconds(retryAt) : null,
        Publication = PublishedAt is { } publishedAt ? ToPublication(DateTimeOffset.FromUnixTimeMilliseconds(publishedAt)) : null,
    };

    private Publication ToPublication(DateTimeOffset publishedAt) => new()
    {
        BuildId = BuildId,
        TakenFrom = TakenFrom!,
        ShipsBtf = ShipsBtf == 1,
        PublishedAt = publishedAt,
        Raw = new StoredForm(RawSha256!, RawSize!.Value),
        Tarball = new StoredForm(TarballSha256!, TarballSize!.Value),
        Provenance = new StoredForm(ProvenanceSha256!, ProvenanceSize!.Value),
        Modules = ModulesSha256 is { } modules ? new StoredForm(modules, ModulesSize!.Value) : null,
    };
}
