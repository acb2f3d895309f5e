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
    private readonly uint?[] _sizes;
    private readonly int[] _depths;

    private ResolvedSizes(BtfBlob blob, BtfFindings findings)
    {
        _blob = blob;
        _findings = findings;
        _sizes = new uint?[blob.EndId];
        _depths = new int[blob.EndId];
    }

    /// <summary>In bytes; null for what has none: void, FWD, FUNC, FUNC_PROTO, DECL_TAG, and modifiers and arrays of those.</summary>
    public uint? this[uint id] => _sizes[id];

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
        new TypeWalk(blob) { Follows = IsByValue, Leave = sizes.SetSize, Cycle = sizes.Cycle("contains itself") }.Run();
        new TypeWalk(blob) { Follows = IsNameless, Cycle = sizes.Cycle("is on a cycle without a named struct or union") }.Run();
        if (findings.None)
            sizes.CheckChains();
        return sizes;
    }

    private static bool IsByValue(BtfType type) => type.Kind is not (BtfKind.Ptr or BtfKind.FuncProto);

    private static bool IsNameless(BtfType type) => !type.IsComposite || type.NameOffset == 0;

    private Action<BtfType> Cycle(string problem) => type => _findings.Add(BtfRule.Cycle, type, type.Id, problem);

    private void SetSize(BtfType type)
    {
        _sizes[type.Id] = type switch
        {
            { HasSize: true } => type.SizeOrType,
            { Kind: BtfKind.Ptr } => (uint)_blob.PointerSize,
            { Kind: BtfKind.Array } => ArraySize(type),
            { IsModifier: true } or { Kind: BtfKind.Var } => _sizes[type.SizeOrType],
            _ => null,
        };
        _depths[type.Id] = Depth(type);
        if (_depths[type.Id] > MaxDepth)
            _findings.Add(BtfRule.Cycle, type, (ulong)_depths[type.Id], "is nested deeper than kernels resolve");
    }

    private uint? ArraySize(in BtfType type)
    {
        var array = type.Array;
        if (_sizes[array.ElementTypeId] is not { } element)
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
            deepest = Math.Max(deepest, _depths[type.Reference(i)]);
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
