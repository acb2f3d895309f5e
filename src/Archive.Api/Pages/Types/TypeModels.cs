using Archive.Api.Kernels;
using Archive.Store.Kernels;
using Btf.Text;
using Btf.Text.Layout;

namespace Archive.Api.Pages.Types;

/// <param name="Key">Null where nothing is published.</param>
/// <param name="IsGlobal">The page of no kernel in particular.</param>
public sealed record TypeSearchModel(
    KernelKey? Key, bool IsGlobal, string Text, string? Kind, IReadOnlyList<NamedType> Names, int Page, bool HasMore, IReadOnlyList<KernelKey> Others);

/// <summary>What all views of a type share.</summary>
/// <param name="View">layout, c, users, history or compare.</param>
public sealed record TypeModel(KernelKey Key, string Name, IReadOnlyList<TypeDescription> Types, string View)
{
    public int Page { get; init; } = 1;

    /// <summary>The C source of the type and what it needs.</summary>
    public string? C { get; init; }

    public IReadOnlyList<TypeUser> Users { get; init; } = [];

    public int UserCount { get; init; }

    public TypeHistory? History { get; init; }

    public TypeComparison? Comparison { get; init; }

    /// <summary>Kernels to compare with: its branch, then the newest elsewhere.</summary>
    public IReadOnlyList<KernelKey> Others { get; init; } = [];

    public string Link(string view, params (string Name, string? Value)[] more) =>
        Links.With(Links.Type(Key, Name), [("view", view == "layout" ? null : view), .. more]);
}

/// <summary>Kernels in a row, of one branch, in which the type is the same.</summary>
/// <param name="Newest">Of the kernels in it, as <paramref name="Oldest"/>.</param>
/// <param name="Added">Parts that the next older span has not; null where there is none.</param>
public sealed record HistorySpan(KernelKey Newest, KernelKey Oldest, int Kernels, TypeShape Shape, IReadOnlyList<string>? Added, IReadOnlyList<string>? Removed);

/// <param name="Asked">How many of the branch's kernels were looked at so far.</param>
public sealed record TypeHistory(string Branch, IReadOnlyList<HistorySpan> Spans, int Asked, int Kernels);

/// <param name="Rows">What changed, with some lines around it; or all.</param>
public sealed record TypeComparison(KernelKey Other, IReadOnlyList<DiffRow> Rows, bool IsSame, bool IsWhole);

/// <param name="Document">What is known of the function.</param>
/// <param name="HasInventory">Whether this kernel's debug information was at hand.</param>
public sealed record FunctionModel(KernelKey Key, string Name, FunctionDocument Document, bool HasInventory);
