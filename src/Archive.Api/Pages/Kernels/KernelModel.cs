using Archive.Api.Kernels;
using Archive.Store.Kernels;
using Archive.Store.Provenance;

namespace Archive.Api.Pages.Kernels;

/// <summary>One form to download.</summary>
/// <param name="Size">Bytes; null of a form that is made when it is asked for, as its digest.</param>
public sealed record DownloadForm(string Name, string Path, string Purpose, long? Size, string? Sha256);

/// <summary>The kernel before or after this one in its branch.</summary>
/// <param name="Difference">Null where it is not known.</param>
/// <param name="IsWaiting">It is being worked out.</param>
public sealed record Neighbour(KernelKey Key, DateTimeOffset? PublishedAt, Difference? Difference, bool IsWaiting);

/// <param name="Builds">All under this key, newest first.</param>
/// <param name="Record">The one that is shown: what is served, else the newest.</param>
/// <param name="Provenance">Null where nothing is served.</param>
public sealed record KernelModel(
    KernelKey Key, IReadOnlyList<KernelRecord> Builds, KernelRecord Record, ProvenanceDocument? Provenance, IReadOnlyList<DownloadForm> Forms, bool HasAllDigests,
    Neighbour? Older, Neighbour? Newer, string Server)
{
    public bool IsServed => KernelIndex.IsServed(Record);

    public Publication? Publication => IsServed ? Record.Publication : null;

    public string Flavour => KernelFlavour.Of(Key.Uname);

    public bool IsComparing => Older is { IsWaiting: true } || Newer is { IsWaiting: true };
}
