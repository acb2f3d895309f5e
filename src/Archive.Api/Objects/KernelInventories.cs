using Archive.Api.Kernels;
using Archive.Extractor.Inventory;
using Archive.Store.Blobs;
using Archive.Store.Kernels;
using Btf.CoRe.Compatibility;

namespace Archive.Api.Objects;

/// <summary>What a kernel's DWARF and symbols said of its functions, where that was archived. Unpacked when a report has a function to explain, some 50 ms.</summary>
public sealed class KernelInventories(Inventories inventories)
{
    /// <summary>Null where it tells of no functions: kernels that came without DWARF.</summary>
    /// <exception cref="BlobStoreException">The blob cannot be read.</exception>
    public async Task<IKernelFunctions?> FindAsync(Publication publication, CancellationToken cancellation) =>
        await inventories.ReadAsync(publication, cancellation) is { Functions.Count: > 0 } inventory ? new InventoriedFunctions(inventory) : null;
}

/// <summary>Tells whether a probe finds a function under its name.</summary>
internal sealed class InventoriedFunctions(KernelInventory inventory) : IKernelFunctions
{
    /// <summary>Clones with other arguments than the function's; <c>.cold</c> and <c>.part</c> are pieces beside it.</summary>
    private static readonly string[] CloneSuffixes = [".isra.", ".constprop."];

    private readonly ILookup<string, InventoryFunction> _byName = inventory.Functions.ToLookup(function => function.Name, StringComparer.Ordinal);

    public bool? HasSymbol(string name) => Found(name).Any(HasCode) && CloneOf(name) is null;

    public string? Explain(string name)
    {
        var found = Found(name).ToList();
        if (found.Count == 0)
            return $"the kernel has no function {name}";
        if (!found.Exists(HasCode))
            return $"{name} of {found[0].File} is inlined everywhere";
        return CloneOf(name) is { } clone ? $"the compiler changed {name} of {found[0].File}: its symbol is {clone}" : null;
    }

    private IEnumerable<InventoryFunction> Found(string name) => _byName[name];

    private static bool HasCode(InventoryFunction function) => function.Traits.HasFlag(FunctionTraits.Code);

    private string? CloneOf(string name) => inventory.SuffixedSymbols.FirstOrDefault(symbol =>
        symbol.StartsWith(name, StringComparison.Ordinal) && Array.Exists(CloneSuffixes, suffix => symbol.AsSpan(name.Length).StartsWith(suffix, StringComparison.Ordinal)));
}
