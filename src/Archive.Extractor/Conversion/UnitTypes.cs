namespace Archive.Extractor.Conversion;

/// <summary>What is left of one unit after it was encoded: which distinct types it holds, its functions and per-CPU variables.</summary>
/// <param name="Offset">Of the unit in <c>.debug_info</c>.</param>
/// <param name="Types">Nodes of its type DIEs, each once.</param>
internal sealed record UnitTypes(long Offset, int[] Types, IReadOnlyList<FunctionState> Functions, IReadOnlyList<VariableState> Variables);

/// <summary>A per-CPU variable.</summary>
/// <param name="Name">Hash of the name.</param>
/// <param name="Type">Key of its type.</param>
/// <param name="Offset">From the start of the per-CPU section, in bytes.</param>
/// <param name="Size">In bytes.</param>
internal sealed record VariableState(ulong Name, ulong Type, uint Offset, uint Size, bool External);
