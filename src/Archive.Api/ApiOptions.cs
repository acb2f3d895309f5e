using Archive.Api.Admin;
using Archive.Api.Hosting;

namespace Archive.Api;

/// <summary>What this process does and where it keeps things. From appsettings.json, the environment and the command line.</summary>
public sealed record ApiOptions
{
    /// <summary>Holds the blobs, the catalogue and the scratch folder; created where it is not there.</summary>
    public string DataDirectory { get; init; } = "data";

    public AdminOptions Admin { get; init; } = new();

    public LimitOptions Limits { get; init; } = new();

    public OtlpOptions Otlp { get; init; } = new();

    public RoleOptions Roles { get; init; } = new();

    /// <summary>Paths under which the tree is served besides the root: what clients of btfhub-archive have built in.</summary>
    public string[] TreePrefixes { get; init; } = [];

    /// <summary>Paths under which coolbpf's <c>{arch}/vmlinux-{uname}</c> is served.</summary>
    public string[] CoolbpfPrefixes { get; init; } = [];

    /// <summary>Path of Datadog's tree, with <c>catalog.json</c> in it.</summary>
    public string DatadogPrefix { get; init; } = "/btfs";

    /// <summary>Bytes of unpacked and otherwise derived forms that are kept on disk.</summary>
    public long FormCacheBytes { get; init; } = 2L << 30;
}

/// <summary>Section <c>Otlp</c>: traces for an OpenTelemetry collector.</summary>
public sealed record OtlpOptions
{
    /// <summary>URL that takes traces by OTLP over HTTP, such as <c>http://collector:4318/v1/traces</c>; null for no traces.</summary>
    public string? Endpoint { get; init; }

    /// <summary>Share of the requests that are traced, 0 to 1; those whose caller traces follow the caller.</summary>
    public double Ratio { get; init; } = 1;
}

/// <summary>Roles of a process: all of them by default.</summary>
public sealed record RoleOptions
{
    public bool Api { get; init; } = true;

    public bool Crawler { get; init; } = true;

    /// <summary>Where the catalogue is in PostgreSQL: see kernels through that any crawler of the cluster found. Elsewhere the crawler does.</summary>
    public bool Extractor { get; init; } = true;
}
