using Archive.Extractor.Inventory;
using Btf.Text.Layout;

namespace Archive.Api.Kernels;

/// <summary>What a kernel has of a function: its prototypes in BTF, and what the debug information told of it where an inventory was made.</summary>
/// <param name="Attachable">Whether it is in the BTF: fentry and kfunc attach by that. Kprobes attach by symbol.</param>
/// <param name="Places">Null where the kernel has no inventory of functions.</param>
/// <param name="Clones">Symbols with a suffix, such as <c>name.isra.0</c>.</param>
/// <param name="Addresses">How many function symbols have the name, where it is more than one.</param>
public sealed record FunctionDocument(
    string Name, bool Attachable, IReadOnlyList<TypeDescription> Types, IReadOnlyList<FunctionPlace>? Places, IReadOnlyList<string>? Clones, int? Addresses)
{
    public static FunctionDocument Of(string name, IReadOnlyList<TypeDescription> types, KernelInventory? inventory) => Told(name, types, inventory is { Functions.Count: > 0 } ? inventory : null);

    private static FunctionDocument Told(string name, IReadOnlyList<TypeDescription> types, KernelInventory? inventory) => new(
        name,
        types.Count > 0,
        types,
        inventory?.Functions.Where(function => function.Name == name).Select(FunctionPlace.Of).ToList(),
        inventory?.SuffixedSymbols.Where(symbol => symbol.StartsWith(name + ".", StringComparison.Ordinal)).ToList(),
        inventory?.DuplicateSymbols.Where(symbol => symbol.Name == name).Select(symbol => (int?)symbol.Count).FirstOrDefault());
}

/// <summary>A function as one file declares it.</summary>
/// <param name="Inlined">Into some caller.</param>
/// <param name="HasCode">Of its own: one that is inlined and has none is inlined everywhere.</param>
public sealed record FunctionPlace(string File, bool Global, bool Inlined, bool HasCode)
{
    internal static FunctionPlace Of(InventoryFunction function) => new(
        function.File, function.Traits.HasFlag(FunctionTraits.External), function.Traits.HasFlag(FunctionTraits.Inlined), function.Traits.HasFlag(FunctionTraits.Code));
}
