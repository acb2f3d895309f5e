using System.Data.Common;
using Archive.Store.Kernels;

namespace Archive.Store.Catalogue;

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

    /// <summary>The row under the reader, of <see cref="KernelSql.Select"/>, whose order of columns this is. Several times as fast as a mapping by name.</summary>
    public static KernelRow Read(DbDataReader reader)
    {
        return new KernelRow
        {
            Sequence = reader.GetInt64(0),
            Distro = reader.GetString(1),
            Version = reader.GetString(2),
            Arch = reader.GetString(3),
            Uname = reader.GetString(4),
            PackageName = reader.GetString(5),
            PackageVersion = reader.GetString(6),
            PackageSha256 = reader.GetString(7),
            PackageSize = reader.GetInt64(8),
            PackageUrl = reader.GetString(9),
            Outcome = reader.GetString(10),
            Reason = Text(11),
            Attempts = reader.GetInt32(12),
            FirstSeen = reader.GetInt64(13),
            Updated = reader.GetInt64(14),
            RetryAt = Number(15),
            BuildId = Text(16),
            TakenFrom = Text(17),
            ShipsBtf = (int?)Number(18),
            PublishedAt = Number(19),
            RawSha256 = Text(20),
            RawSize = Number(21),
            TarballSha256 = Text(22),
            TarballSize = Number(23),
            ProvenanceSha256 = Text(24),
            ProvenanceSize = Number(25),
            ModulesSha256 = Text(26),
            ModulesSize = Number(27),
        };

        string? Text(int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

        long? Number(int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);
    }

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
