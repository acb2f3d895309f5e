using Btf.Format;

namespace Archive.Extractor.Conversion;

/// <summary>
/// Chooses the functions that get a FUNC: those that can be attached to by name and whose prototype can be trusted. Left out
/// are names at several addresses, names with prototypes that differ between units, and functions whose parameters the
/// compiler moved, reordered or removed (the rules of pahole's consistent_func and optimized_func).
/// </summary>
internal sealed class FunctionSelection(TypeGraph graph, FunctionSymbols symbols, bool consistent)
{
    /// <summary>Types looked at for one pair of prototypes. Prototypes that nest deeper (none in a kernel do) count as different.</summary>
    private const int MaxSteps = 10_000;

    private int _steps;

    /// <summary>One state a function, with the number of the unit it stands in, in the order of the image.</summary>
    public List<(FunctionState State, int Unit)> Select()
    {
        var states = ByName();
        var chosen = new List<(FunctionState State, int Unit)>();
        for (int start = 0, end; start < states.Length; start = end)
        {
            var name = states[start].State.Name;
            for (end = start + 1; end < states.Length && states[end].State.Name == name;)
                end++;
            if (Choose(symbols.Find(name)!, states.AsSpan(start, end - start)) is { } state)
                chosen.Add(state);
        }
        chosen.Sort((a, b) => a.State.SeenAt.CompareTo(b.State.SeenAt));
        return chosen;
    }

    /// <summary>Those of one name side by side, in the order of the image.</summary>
    private (FunctionState State, int Unit)[] ByName()
    {
        var states = new (FunctionState State, int Unit)[graph.Units.Sum(static unit => unit.Functions.Length)];
        var order = new Place[states.Length];
        var count = 0;
        for (var unit = 0; unit < graph.Units.Count; unit++)
        {
            foreach (var state in graph.Units[unit].Functions)
            {
                order[count] = new Place(state.Name, state.SeenAt);
                states[count++] = (state, unit);
            }
        }
        Array.Sort(order, states);
        return states;
    }

    private readonly record struct Place(ulong Name, long SeenAt) : IComparable<Place>
    {
        public int CompareTo(Place other) => Name != other.Name ? Name.CompareTo(other.Name) : SeenAt.CompareTo(other.SeenAt);
    }

    private (FunctionState State, int Unit)? Choose(FunctionSymbols.Entry symbol, ReadOnlySpan<(FunctionState State, int Unit)> states)
    {
        if (!consistent)
            return Canonical(symbol, states);
        if (symbol.IsAmbiguous)
            return null;
        var canonical = Canonical(symbol, states);
        if (IsChanged(symbol, canonical.State))
            return null;
        foreach (var (state, _) in states)
        {
            if (state.UnexpectedRegister || state.ReorderedParameters || !AreConsistent(states[0].State, state))
                return null;
        }
        return canonical;
    }

    /// <summary>The state that the symbol's address belongs to, if possible one with its signature intact.</summary>
    private static (FunctionState State, int Unit) Canonical(FunctionSymbols.Entry symbol, ReadOnlySpan<(FunctionState State, int Unit)> states)
    {
        (FunctionState State, int Unit)? defined = null;
        foreach (var state in states)
        {
            if (!symbol.HasAddress(state.State.Address))
                continue;
            if (!IsChanged(symbol, state.State))
                return state;
            defined ??= state;
        }
        return defined ?? states[0];
    }

    private static bool IsChanged(FunctionSymbols.Entry symbol, FunctionState state) =>
        state.OptimizedParameters && symbol.IsOptimizedAt(state.Address);

    private bool AreConsistent(FunctionState left, FunctionState right)
    {
        _steps = 0;
        return SamePrototype(left.Prototype, right.Prototype);
    }

    private bool SamePrototype(int left, int right)
    {
        if (left == right)
            return true;
        var a = graph.ChildTargetsOf(left);
        var b = graph.ChildTargetsOf(right);
        if (a.Length != b.Length || !SameType(graph.TargetOf(left), graph.TargetOf(right)))
            return false;
        for (var i = 0; i < a.Length; i++)
        {
            if (!SameType(a[i], b[i]))
                return false;
        }
        return true;
    }

    /// <summary>Equality as a caller would see it: named types by name, and const does not matter.</summary>
    private bool SameType(int left, int right)
    {
        if (left == right)
            return true;
        if (left == 0 || right == 0 || ++_steps > MaxSteps)
            return false;
        if (left < 0 || right < 0)
            return left < 0 && right < 0 ? SameName(-left - 1, -right - 1) : StripConst(ref left, ref right) && SameType(left, right);
        ref readonly var a = ref graph[left - 1];
        ref readonly var b = ref graph[right - 1];
        if (a.Kind != b.Kind)
            return StripConst(ref left, ref right) && SameType(left, right);
        return a.Kind switch
        {
            BtfKind.Int or BtfKind.Float => a.Size == b.Size && a.Encoding == b.Encoding && a.Name == b.Name,
            BtfKind.Ptr or BtfKind.Const or BtfKind.Volatile or BtfKind.Restrict or BtfKind.TypeTag =>
                SameType(graph.TargetOf(left - 1), graph.TargetOf(right - 1)),
            BtfKind.Array => a.Size == b.Size && SameType(graph.TargetOf(left - 1), graph.TargetOf(right - 1)),
            BtfKind.FuncProto => SamePrototype(left - 1, right - 1),
            _ => a.Name == b.Name,
        };
    }

    private bool SameName(int left, int right)
    {
        var a = graph.Tags[left];
        var b = graph.Tags[right];
        var first = a.Definitions.Count > 0 ? a.Definitions[0] : a.Declaration;
        var second = b.Definitions.Count > 0 ? b.Definitions[0] : b.Declaration;
        return graph[first].Key == graph[second].Key;
    }

    private bool StripConst(ref int left, ref int right)
    {
        if (left > 0 && graph[left - 1].Kind == BtfKind.Const)
            left = graph.TargetOf(left - 1);
        else if (right > 0 && graph[right - 1].Kind == BtfKind.Const)
            right = graph.TargetOf(right - 1);
        else
            return false;
        return true;
    }
}
