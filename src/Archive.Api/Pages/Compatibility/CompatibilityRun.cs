using Archive.Api.Objects;
using Btf.CoRe;
using Btf.CoRe.Compatibility;

namespace Archive.Api.Pages.Compatibility;

/// <summary>Objects on kernels, as somebody asked for by the page: who has its address may look until it expires.</summary>
/// <param name="Id">128 random bits in hex: the address is the key.</param>
/// <param name="Selection">The kernels that were chosen, in words.</param>
public sealed record CompatibilityRun(
    string Id, IReadOnlyList<UploadedObject> Objects, CoreLoader Loader, string Selection, IReadOnlyList<SelectedKernel> Kernels, long Bytes, DateTimeOffset Expires)
{
    private volatile int _done;

    /// <summary>Kernels that have answered.</summary>
    public int Done
    {
        get => _done;
        set => _done = value;
    }

    /// <summary>One for each object; null until all kernels have answered.</summary>
    public IReadOnlyList<CompatibilityReport>? Reports { get; set; }

    /// <summary>Why there are no reports and will be none.</summary>
    public string? Problem { get; set; }

    public bool IsFinished => Reports is not null || Problem is not null;
}
