namespace Archive.Extractor.Conversion;

/// <summary>What is left of one unit after it was encoded: which distinct types it holds, its functions and per-CPU variables.</summary>
/// <param name="Offset">Of the unit in <c>.debug_info</c>.</param>
/// <param name="Types">Nodes of its type DIEs, each once.</param>
/// <param name="DeclTags">DECL_TAGs of types.</param>
internal sealed record UnitTypes(long Offset, int[] Types, FunctionState[] Functions, IReadOnlyList<VariableState> Variables, DeclTagState[] DeclTags)
{
    /// <summary>Nodes get other numbers: those that the map has for them.</summary>
    public void Renumber(int[] map)
    {
        foreach (ref var node in Types.AsSpan())
            node = map[node];
        foreach (var function in Functions)
            function.Prototype = map[function.Prototype];
        foreach (ref var tag in DeclTags.AsSpan())
            tag = tag with { Node = map[tag.Node] };
    }
}

/// <summary>A DECL_TAG of a node, or of its member of this number (else -1); with the hash of its text.</summary>
internal readonly record struct DeclTagState(int Node, int Component, ulong Tag);

/// <summary>A per-CPU variable.</summary>
/// <param name="Name">Hash of the name.</param>
/// <param name="Type">Key of its type.</param>
/// <param name="Offset">From the start of the per-CPU section, in bytes.</param>
/// <param name="Size">In bytes.</param>
internal sealed record VariableState(ulong Name, ulong Type, uint Offset, uint Size, bool External);
