using Archive.Api.Objects;
using Archive.Api.Pages.Types;
using Archive.Store.Kernels;
using Btf.CoRe.Compatibility;

namespace Archive.Api.Pages.Compatibility;

/// <param name="Problem">What was wrong with what was sent; null at first.</param>
public sealed record CompatibilityStartModel(
    IReadOnlyList<string> Distros, IReadOnlyList<string> Versions, IReadOnlyList<string> Archs, ObjectOptions Limits, int KernelCount, string? Problem);

/// <param name="Worst">Show only kernels with this verdict; null for all.</param>
/// <param name="FirstObject">Of the columns that are shown.</param>
/// <param name="Rows">Indexes of the kernels on this page.</param>
public sealed record CompatibilityRunModel(CompatibilityRun Run, string? Worst, int FirstObject, int Page, bool HasMore, IReadOnlyList<int> Rows, DateTimeOffset Now)
{
    public const int Columns = 10;

    public string Link(string? worst, int firstObject, int page = 1) => Links.With(
        $"/compat/{Run.Id}", ("show", worst), ("objects", firstObject > 0 ? $"{firstObject}" : null), ("page", page > 1 ? $"{page}" : null));
}

/// <summary>Why an object does what it does on some kernels.</summary>
/// <param name="Kernels">All that have this result.</param>
/// <param name="Findings">One page of them.</param>
public sealed record CompatibilityClassModel(
    CompatibilityRun Run, int ObjectIndex, int ClassIndex, CompatibilityResult Result, IReadOnlyList<string> Kernels, IReadOnlyList<Finding> Findings, int Page, bool HasMore)
{
    public string ObjectName => Run.Objects[ObjectIndex].Name;
}

/// <summary>A type as the object has it and as a kernel has it.</summary>
/// <param name="Rows">Null where one side has none of the name.</param>
public sealed record CompatibilityLayoutsModel(CompatibilityRun Run, int ObjectIndex, string Type, string KernelType, KernelKey Kernel, IReadOnlyList<DiffRow>? Rows, bool IsInObject, bool IsInKernel);
