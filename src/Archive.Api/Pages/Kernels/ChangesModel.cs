using Archive.Store.Kernels;
using Btf.Text.Changes;

namespace Archive.Api.Pages.Kernels;

/// <param name="Other">The newer kernel; null where none is chosen.</param>
/// <param name="IsWaiting">The two are being compared.</param>
/// <param name="Counts">Changes by kind (<c>struct</c>, <c>func</c>) and class.</param>
/// <param name="Changes">One page of those that were chosen.</param>
/// <param name="Problem">Why there is nothing to see; null where there is.</param>
public sealed record ChangesModel(
    KernelKey Key, KernelKey? Other, IReadOnlyList<KernelKey> Others, string Text, string? Kind, string? Class, bool IsWaiting,
    IReadOnlyList<(string Kind, ChangeClass Class, int Count)> Counts, IReadOnlyList<NamedChange> Changes, int Page, bool HasMore, string? Problem)
{
    public string Link(string? kind, string? change, int page = 1) => Links.With(
        $"{Links.Kernel(Key)}/changes", ("with", Other?.ToString()), ("q", Text), ("kind", kind), ("change", change), ("page", page > 1 ? $"{page}" : null));
}
