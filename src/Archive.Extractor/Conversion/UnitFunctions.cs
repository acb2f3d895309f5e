using System.Runtime.InteropServices;
using Archive.Extractor.Dwarf;

namespace Archive.Extractor.Conversion;

/// <summary>What one unit says of a function: candidates for a FUNC, chosen among by <see cref="FunctionSelection"/>.</summary>
/// <param name="Name">Hash of the name.</param>
/// <param name="Address">DW_AT_low_pc, 0 where it has none.</param>
/// <param name="UnexpectedRegister">A parameter arrives in another register than the calling convention says.</param>
/// <param name="OptimizedParameters">A parameter has no location at the entry.</param>
/// <param name="ReorderedParameters">The concrete function lists its parameters in another order than the source.</param>
/// <param name="SeenAt">Offset of the DIE in <c>.debug_info</c>.</param>
internal sealed record FunctionState(
    ulong Name,
    int Prototype,
    ulong Address,
    bool UnexpectedRegister,
    bool OptimizedParameters,
    bool ReorderedParameters,
    long SeenAt)
{
    /// <summary>Index of the node of its FUNC_PROTO.</summary>
    public int Prototype { get; set; } = Prototype;

    /// <summary>Its DECL_TAGs: number of the parameter, or -1, and hash of the text.</summary>
    public (int Component, ulong Tag)[] DeclTags { get; init; } = [];
}

/// <summary>Collects the functions of a unit that the symbol table knows, with their prototypes.</summary>
internal sealed class UnitFunctions(ParameterLocations locations, UnitEncoder encoder)
{
    /// <summary>Parameters of a function that are searched one by one for an origin.</summary>
    private const int MaxSearched = 64;

    private readonly Dictionary<uint, (int Index, int Position)> _byOffset = [];

    /// <summary>The function whose parameters <see cref="_byOffset"/> has; -1 for none.</summary>
    private int _lookedUp = -1;

    private readonly List<NodeChild> _parameters = [];
    private readonly List<(int Index, ulong Name)> _wanted = [];

    /// <summary>Adds the unit's functions to <paramref name="into"/>.</summary>
    public void Collect(UnitDies dies, in UnitHeader unit, ReadOnlySpan<byte> bytes, List<FunctionState> into)
    {
        _wanted.Clear();
        _lookedUp = -1;
        for (var i = 0; i < dies.OwnFunctionCount; i++)
        {
            var name = NameOf(dies, i);
            if (name == 0)
                continue;
            LocateParameters(dies, i, unit, bytes);
            _wanted.Add((i, name));
        }

        // Only now does an abstract function know what its concrete instances say of its parameters.
        foreach (var (index, name) in _wanted)
        {
            if (!dies.Functions[index].Declaration && Describe(dies, index, name, unit) is { } state)
                into.Add(state);
        }
    }

    private static ulong NameOf(UnitDies dies, int function)
    {
        ref readonly var die = ref dies.Functions[function];
        if (die.Name != 0 || die.Origin == 0)
            return die.Name;
        var origin = dies.FindFunction(die.Origin);
        return origin < 0 ? 0 : dies.Functions[origin].Name;
    }

    private void LocateParameters(UnitDies dies, int function, in UnitHeader unit, ReadOnlySpan<byte> bytes)
    {
        ref readonly var die = ref dies.Functions[function];
        for (int i = die.FirstChild, left = die.ChildCount; left > 0; i = dies.Parameters[i].Next, left--)
        {
            ref var parameter = ref dies.Parameters[i];
            var origin = OriginOf(dies, die, parameter, out _);
            // Its own: an instance that came before (clang's do) has noted that it has one.
            if (parameter.LocationForm != DwForm.None)
            {
                var size = ParameterSize(dies, origin < 0 ? parameter.TypeRef : dies.Parameters[origin].TypeRef, unit);
                parameter.EntryRegister = locations.EntryRegister(parameter, size, unit, bytes);
            }
            if (origin < 0)
                continue;
            ref var shared = ref dies.Parameters[origin];
            shared.HasLocation |= parameter.HasLocation;
            shared.IsConstant |= parameter.IsConstant;
            if (parameter.EntryRegister != 0)
                shared.EntryRegister = parameter.EntryRegister;
        }
    }

    /// <summary>Index of the parameter that this one is an instance of, or -1; and its position among its function's.</summary>
    private int OriginOf(UnitDies dies, in FunctionDie function, in ParameterDie parameter, out int position)
    {
        position = 0;
        if (parameter.Origin == 0 || function.Origin == 0 || dies.FindFunction(function.Origin) is not (>= 0 and var origin))
            return -1;
        ref readonly var die = ref dies.Functions[origin];
        if (die.ChildCount > MaxSearched)
            return LookUp(dies, origin, parameter.Origin, out position);
        for (int i = die.FirstChild, left = die.ChildCount; left > 0; i = dies.Parameters[i].Next, left--, position++)
        {
            if (dies.Parameters[i].Offset == parameter.Origin)
                return i;
        }
        return -1;
    }

    /// <summary>As <see cref="OriginOf"/>, among so many parameters that no compiler wrote them.</summary>
    private int LookUp(UnitDies dies, int function, uint offset, out int position)
    {
        if (_lookedUp != function)
        {
            _lookedUp = function;
            _byOffset.Clear();
            ref readonly var die = ref dies.Functions[function];
            for (int i = die.FirstChild, place = 0; place < die.ChildCount; i = dies.Parameters[i].Next, place++)
                _byOffset.TryAdd(dies.Parameters[i].Offset, (i, place));
        }
        var known = _byOffset.TryGetValue(offset, out var found);
        position = found.Position;
        return known ? found.Index : -1;
    }

    /// <summary>Size as far as it matters for passing: of the first type on the way that states one.</summary>
    private static ulong ParameterSize(UnitDies dies, uint offset, in UnitHeader unit)
    {
        for (var depth = 0; depth < 64 && offset != 0; depth++)
        {
            var index = dies.FindType(offset);
            if (index < 0)
                return 0;
            ref readonly var type = ref dies.Types[index];
            if (type.Shape == TypeShape.Pointer)
                return unit.AddressSize;
            if (type.Size != 0 && type.Shape != TypeShape.Array)
                return type.Size;
            offset = type.TypeRef;
        }
        return 0;
    }

    private FunctionState? Describe(UnitDies dies, int function, ulong name, in UnitHeader unit)
    {
        ref readonly var die = ref dies.Functions[function];
        _parameters.Clear();
        bool unexpected = false, optimized = false, reordered = false, hasStruct = false;
        var argument = 0;
        var position = 0;
        for (int i = die.FirstChild, left = die.ChildCount; left > 0; i = dies.Parameters[i].Next, left--, position++)
        {
            ref readonly var parameter = ref dies.Parameters[i];
            var origin = OriginOf(dies, die, parameter, out var originPosition);
            ref readonly var source = ref dies.Parameters[origin >= 0 ? origin : i];
            if (source.Name == 0)
                return null;
            reordered |= parameter.Origin != 0 && originPosition != position;
            var size = ParameterSize(dies, source.TypeRef, unit);
            var (isOptimized, isUnexpected) = Judge(parameter, size, unit, ref argument);
            optimized |= isOptimized || !parameter.HasLocation;
            unexpected |= isUnexpected;
            hasStruct |= IsStruct(dies, source.TypeRef);
            _parameters.Add(new NodeChild(source.Name, encoder.KeyAt(source.TypeRef), 0, 0));
        }
        if (die.Variadic)
            _parameters.Add(default);
        var seenAt = (long)die.Offset;
        var returned = encoder.KeyAt(ReturnTypeOf(dies, die));
        var prototype = encoder.AddPrototype(returned, CollectionsMarshal.AsSpan(_parameters), seenAt);
        return new FunctionState(name, prototype, die.Address, unexpected && !hasStruct, optimized, reordered, seenAt) { DeclTags = TagsOf(dies, function) };
    }

    private static (int Component, ulong Tag)[] TagsOf(UnitDies dies, int function) =>
        dies.DeclTags.Count == 0 ? [] : [.. dies.DeclTags.Where(t => t.Owner < 0 && (t.Owner == -function - 1 || dies.Functions[-t.Owner - 1].Offset == dies.Functions[function].Origin)).Select(t => (t.Component, t.Tag)).Distinct()];

    private static uint ReturnTypeOf(UnitDies dies, in FunctionDie die)
    {
        if (die.TypeRef != 0 || die.Origin == 0)
            return die.TypeRef;
        var origin = dies.FindFunction(die.Origin);
        return origin < 0 ? 0 : dies.Functions[origin].TypeRef;
    }

    /// <summary>Compares where a parameter is with where the calling convention puts it.</summary>
    private (bool Optimized, bool Unexpected) Judge(in ParameterDie parameter, ulong size, in UnitHeader unit, ref int argument)
    {
        var word = unit.AddressSize;
        var slots = locations.PairsForAggregates && size > word ? (int)Math.Min((size + word - 1) / word, 1024) : 1;
        var inMemory = size > (locations.PairsForAggregates ? 2UL : 1UL) * word;
        var expected = argument < locations.RegisterCount ? locations.ExpectedRegister(argument) : -1;
        if (!parameter.HasLocation)
        {
            argument += inMemory ? 1 : slots;
            return (parameter.IsConstant, false);
        }
        if (argument >= locations.RegisterCount)
            return (false, false);
        argument += inMemory ? 1 : slots;
        if (parameter.EntryRegister == 0)
            return (true, false);
        return (false, expected >= 0 && expected != parameter.EntryRegister - 1);
    }

    private static bool IsStruct(UnitDies dies, uint offset)
    {
        for (var depth = 0; depth < 64 && offset != 0 && dies.FindType(offset) is >= 0 and var index; depth++)
        {
            ref readonly var type = ref dies.Types[index];
            if (type.Shape == TypeShape.Struct)
                return true;
            if (type.Shape is not (TypeShape.Const or TypeShape.Typedef))
                return false;
            offset = type.TypeRef;
        }
        return false;
    }
}
