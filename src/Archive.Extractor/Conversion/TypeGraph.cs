using System.Runtime.InteropServices;
using Btf.Format;

namespace Archive.Extractor.Conversion;

/// <summary>What <c>struct foo</c>, <c>union foo</c> or <c>enum foo</c> stands for: its definitions in order of appearance, and its mere declaration.</summary>
internal sealed class TypeTag
{
    public List<int> Definitions { get; } = [];

    /// <summary>Node of the declaration; -1 for none.</summary>
    public int Declaration { get; set; } = -1;
}

/// <summary>
/// The distinct types of the whole image: the workers' tables merged, references turned from keys into indexes. A reference
/// is 0 for void, n+1 for node n, -n-1 for the tag n.
/// </summary>
internal sealed class TypeGraph
{
    private readonly NodeTable _nodes;
    private readonly Dictionary<ulong, int> _references = [];
    private readonly int[] _targets;
    private readonly int[] _childTargets;

    private TypeGraph(IReadOnlyList<NodeTable> tables, IReadOnlyList<(int Table, UnitTypes Unit)> units)
    {
        _nodes = tables.MaxBy(static table => table.Count)!;
        var maps = tables.Select(table => table == _nodes ? null : _nodes.Absorb(table)).ToArray();
        Units = [.. units.Select(u => maps[u.Table] is { } map ? Renumber(u.Unit, map) : u.Unit)];
        Live = new bool[_nodes.Count];
        foreach (var unit in Units)
        {
            foreach (var node in unit.Types)
                Live[node] = true;
        }
        IndexReferences(tables);
        (_targets, _childTargets) = ResolveReferences();
    }

    public int Count => _nodes.Count;

    public List<TypeTag> Tags { get; } = [];

    /// <summary>In the order of <c>.debug_info</c>, their nodes as indexes of this graph.</summary>
    public IReadOnlyList<UnitTypes> Units { get; }

    /// <summary>The node stands for a type DIE of some unit (the others are prototypes of functions, and by-products).</summary>
    public bool[] Live { get; }

    public static TypeGraph Merge(IReadOnlyList<NodeTable> tables, IReadOnlyList<(int Table, UnitTypes Unit)> units) => new(tables, units);

    public ref readonly TypeNode this[int node] => ref _nodes.Nodes[node];

    public ReadOnlySpan<NodeChild> ChildrenOf(int node) => _nodes.ChildrenOf(_nodes.Nodes[node]);

    /// <summary>Reference of a modifier, typedef, array or prototype.</summary>
    public int TargetOf(int node) => _targets[node];

    /// <summary>References of the members or parameters.</summary>
    public ReadOnlySpan<int> ChildTargetsOf(int node) => _childTargets.AsSpan(_nodes.Nodes[node].FirstChild, _nodes.Nodes[node].ChildCount);

    /// <summary>Index of the tag of a tagged node.</summary>
    public int TagOf(int node) => -_references[_nodes.Nodes[node].Key] - 1;

    /// <exception cref="DwarfFormatException">The key belongs to no type: a reference to a DIE that was left out.</exception>
    public int Resolve(ulong key)
    {
        if (key == 0)
            return 0;
        return _references.TryGetValue(key, out var reference) ? reference
            : throw new DwarfFormatException(".debug_info", 0, key, "reference to a type that was not read");
    }

    private static UnitTypes Renumber(UnitTypes unit, int[] map)
    {
        for (var i = 0; i < unit.Types.Length; i++)
            unit.Types[i] = map[unit.Types[i]];
        return unit with
        {
            Functions = [.. unit.Functions.Select(f => f with { Prototype = map[f.Prototype] })],
            DeclTags = [.. unit.DeclTags.Select(t => t with { Node = map[t.Node] })],
        };
    }

    private void IndexReferences(IReadOnlyList<NodeTable> tables)
    {
        for (var i = 0; i < _nodes.Count; i++)
        {
            ref readonly var node = ref _nodes.Nodes[i];
            if (!node.IsTagged)
                _references[node.Content] = i + 1;
            else if (Live[i])
                AddToTag(i, node);
        }
        foreach (var tag in Tags)
            tag.Definitions.Sort((a, b) => _nodes.Nodes[a].First.CompareTo(_nodes.Nodes[b].First));
        foreach (var (key, content) in tables.SelectMany(t => t.PrivateKeys))
            AddPrivate(key, content);
    }

    private void AddToTag(int index, in TypeNode node)
    {
        ref var reference = ref CollectionsMarshal.GetValueRefOrAddDefault(_references, node.Key, out var exists);
        if (!exists)
        {
            Tags.Add(new TypeTag());
            reference = -Tags.Count;
        }
        var tag = Tags[-reference - 1];
        if (node.IsDeclaration)
            tag.Declaration = index;
        else
            tag.Definitions.Add(index);
    }

    private void AddPrivate(ulong key, ulong content)
    {
        if (_references.ContainsKey(key))
            return;
        var node = _nodes.Find(content, long.MaxValue);
        if (node < 0 || !_nodes.Nodes[node].IsTagged)
            throw new DwarfFormatException(".debug_info", 0, content, "two types have the same hash");
        var tag = new TypeTag();
        tag.Definitions.Add(node);
        Tags.Add(tag);
        _references[key] = -Tags.Count;
    }

    private (int[] Targets, int[] ChildTargets) ResolveReferences()
    {
        var targets = new int[_nodes.Count];
        var children = new int[_nodes.ChildCount];
        for (var i = 0; i < _nodes.Count; i++)
        {
            ref readonly var node = ref _nodes.Nodes[i];
            var byproduct = !Live[i] && node.IsTagged;
            targets[i] = byproduct ? 0 : Resolve(node.Target);
            var hasTypes = node.Kind is BtfKind.Struct or BtfKind.Union or BtfKind.FuncProto && !byproduct;
            var span = children.AsSpan(node.FirstChild, node.ChildCount);
            var members = _nodes.ChildrenOf(node);
            for (var c = 0; c < members.Length; c++)
                span[c] = hasTypes ? Resolve(members[c].Value) : 0;
        }
        return (targets, children);
    }
}
