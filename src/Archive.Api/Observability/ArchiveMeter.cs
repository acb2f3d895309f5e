using System.Diagnostics.Metrics;

namespace Archive.Api.Observability;

/// <summary>Our own instruments.</summary>
public static class ArchiveMeter
{
    public const string Name = "BtfArchive";

    private static readonly Meter Meter = new(Name);

    /// <summary>Bytes of BTF sent, by form.</summary>
    public static Counter<long> SentBytes { get; } = Meter.CreateCounter<long>("btf_archive.sent", "By");

    /// <summary>Derived forms asked for, by whether they were there (hit) or were made (miss).</summary>
    public static Counter<long> FormCache { get; } = Meter.CreateCounter<long>("btf_archive.form_cache.requests");
}
