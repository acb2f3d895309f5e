namespace Archive.Api.Objects;

/// <summary>What uploaded BPF objects may cost (section <c>Objects</c> of the configuration).</summary>
public sealed record ObjectOptions
{
    /// <summary>Objects of one request.</summary>
    public int MaxObjects { get; init; } = 128;

    /// <summary>Bytes of one object. The largest of Linux's selftests has 3 MB.</summary>
    public int MaxObjectBytes { get; init; } = 8 << 20;

    /// <summary>Bytes of one request.</summary>
    public int MaxRequestBytes { get; init; } = 64 << 20;

    /// <summary>Requests that are worked on at once; as many again wait, the rest are told to come later.</summary>
    public int MaxConcurrent { get; init; } = 4;

    /// <summary>Requests of one client address in a minute.</summary>
    public int MaxPerMinute { get; init; } = 60;

    /// <summary>Bytes on disk for kernels that are kept ready; a kernel takes some 6 MB.</summary>
    public long WarmBytes { get; init; } = 8L << 30;
}
