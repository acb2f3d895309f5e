namespace Btf.Format.Validation;

/// <summary>
/// The size of each type, once it is known that no type contains itself. Finds on the way the cycles and the chains
/// that a kernel refuses.
/// </summary>
internal sealed class ResolvedSizes
{
    // kernel/bpf/btf.c: MAX_RESOLVE_DEPTH, and the chain_limit of btf_check_type_tags
    private const int MaxDepth = 32;

    private readonly BtfBlob _blob;
    private readonly BtfFindings _findings;

    // Of the types stored here. Those of a base count as resolved, as they do in a kernel: a module costs what it has.
    private readonly uint?[] _sizes;
    private readonly int[] _depths;

    private ResolvedSizes(BtfBlob blob, BtfFindings findings)
    {
        _blob = blob;
        _findings = findings;
        _sizes = new uint?[blob.TypeCount];
        _depths = new int[blob.TypeCount];
    }

    /// <summary>In bytes; null for what has none: void, FWD, FUNC, FUNC_PROTO, DECL_TAG, and modifiers and arrays of those.</summary>
    public uint? this[uint id] => id >= _blob.FirstId ? _sizes[id - _blob.FirstId] : SizeInBase(id);

    /// <summary>The first type behind modifiers; may be void.</summary>
    public BtfType SkipModifiers(uint id)
    {
        var type = _blob[id];
        while (type.IsModifier)
            type = _blob[type.SizeOrType];
        return type;
    }

    public static ResolvedSizes Resolve(BtfBlob blob, BtfFindings findings)
    {
        var sizes = new ResolvedSizes(blob, findings);
        new TypeWalk(blob) { OwnTypesOnly = true, Follows = IsByValue, Leave = sizes.SetSize, Cycle = sizes.Cycle("contains itself") }.Run();
        new TypeWalk(blob) { OwnTypesOnly = true, Follows = IsNameless, Cycle = sizes.Cycle("is on a cycle without a named struct or union") }.Run();
        if (findings.None)
            sizes.CheckChains();
        return sizes;
    }

    private static bool IsByValue(BtfType type) => type.Kind is not (BtfKind.Ptr or BtfKind.FuncProto);

    private static bool IsNameless(BtfType type) => !type.IsComposite || type.NameOffset == 0;

    private Action<BtfType> Cycle(string problem) => type => _findings.Add(BtfRule.Cycle, type, type.Id, problem);

    private void SetSize(BtfType type)
    {
        _sizes[type.Id - _blob.FirstId] = type switch
        {
            { HasSize: true } => type.SizeOrType,
            { Kind: BtfKind.Ptr } => (uint)_blob.PointerSize,
            { Kind: BtfKind.Array } => ArraySize(type),
            { IsModifier: true } or { Kind: BtfKind.Var } => this[type.SizeOrType],
            _ => null,
        };
        var depth = _depths[type.Id - _blob.FirstId] = Depth(type);
        if (depth > MaxDepth)
            _findings.Add(BtfRule.Cycle, type, (ulong)depth, "is nested deeper than kernels resolve");
    }

    /// <summary>Of a type of the base, or void: looked up each time, for few are asked for.</summary>
    private uint? SizeInBase(uint id)
    {
        ulong count = 1;
        for (var depth = 0; depth <= MaxDepth && count <= uint.MaxValue; depth++)
        {
            var type = _blob[id];
            if (type.HasSize || type.Kind == BtfKind.Ptr)
                return count * (type.HasSize ? type.SizeOrType : (uint)_blob.PointerSize) is <= uint.MaxValue and var size ? (uint)size : null;
            if (type.Kind == BtfKind.Array)
                (id, count) = (type.Array.ElementTypeId, count * type.Array.ElementCount);
            else if (type.IsModifier || type.Kind == BtfKind.Var)
                id = type.SizeOrType;
            else
                return null;
        }
        return null;
    }

    private uint? ArraySize(in BtfType type)
    {
        var array = type.Array;
        if (this[array.ElementTypeId] is not { } element)
            return null;
        var size = (ulong)element * array.ElementCount;
        if (size <= uint.MaxValue)
            return (uint)size;
        _findings.Add(BtfRule.Size, type, size, "is larger than 4 GiB");
        return null;
    }

    private int Depth(in BtfType type)
    {
        if (!IsByValue(type))
            return 0;
        var deepest = -1;
        for (var i = 0; i < type.ReferenceCount; i++)
            deepest = Math.Max(deepest, type.Reference(i) >= _blob.FirstId ? _depths[type.Reference(i) - _blob.FirstId] : 0);
        return deepest + 1;
    }

    /// <summary>Pointers and modifiers upon each other: a kernel resolves them in one go.</summary>
    private void CheckChains()
    {
        foreach (var type in _blob.Types)
        {
            var (length, link) = (0, type);
            while (link.IsModifier || link.Kind is BtfKind.Ptr or BtfKind.Var)
            {
                if (++length > MaxDepth)
                {
                    _findings.Add(BtfRule.Cycle, type, type.Id, "starts a chain longer than kernels follow");
                    break;
                }
                link = _blob[link.SizeOrType];
            }
        }
    }
}
