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
    private readonly Dictionary<ulong, int> _references;
    private readonly int[] _targets;
    private readonly int[] _childTargets;

    /// <summary>Tags from this number on stand for private keys.</summary>
    private int _ownTags;

    private TypeGraph(IReadOnlyList<NodeTable> tables, List<(int Table, UnitTypes Unit)> units)
    {
        _nodes = tables.MaxBy(static table => table.Count)!;
        var maps = tables.Select(table => table == _nodes ? null : _nodes.Absorb(table)).ToArray();
        foreach (var (table, unit) in units)
        {
            if (maps[table] is { } map)
                unit.Renumber(map);
        }
        Units = units.ConvertAll(static unit => unit.Unit);
        _references = new(_nodes.Count);
        IndexReferences(tables);
        (_targets, _childTargets) = ResolveReferences();
    }

    public int Count => _nodes.Count;

    public List<TypeTag> Tags { get; } = [];

    /// <summary>In the order of <c>.debug_info</c>, their nodes as indexes of this graph.</summary>
    public IReadOnlyList<UnitTypes> Units { get; }

    public static TypeGraph Merge(IReadOnlyList<NodeTable> tables, List<(int Table, UnitTypes Unit)> units) => new(tables, units);

    public ref readonly TypeNode this[int node] => ref _nodes[node];

    public ReadOnlySpan<NodeChild> ChildrenOf(int node) => _nodes.ChildrenOf(_nodes[node]);

    /// <summary>Reference of a modifier, typedef, array or prototype.</summary>
    public int TargetOf(int node) => _targets[node];

    /// <summary>References of the members or parameters.</summary>
    public ReadOnlySpan<int> ChildTargetsOf(int node) => _childTargets.AsSpan(_nodes[node].FirstChild, _nodes[node].ChildCount);

    /// <summary>
    /// Nodes that refer to a definition by a private key. Where another unit refers to it by its name, that is another node, and
    /// may be the same type.
    /// </summary>
    public HashSet<int> PrivateReferrers()
    {
        var nodes = new HashSet<int>();
        for (var node = 0; _ownTags < Tags.Count && node < Count; node++)
        {
            if (-_targets[node] > _ownTags || ChildTargetsOf(node).IndexOfAnyInRange(int.MinValue, -_ownTags - 1) >= 0)
                nodes.Add(node);
        }
        return nodes;
    }

    /// <summary>Index of the tag of a tagged node.</summary>
    public int TagOf(int node) => -_references[_nodes[node].Key] - 1;

    /// <exception cref="DwarfFormatException">The key belongs to no type: a reference to a DIE that was left out.</exception>
    public int Resolve(ulong key)
    {
        if (key == 0)
            return 0;
        return _references.TryGetValue(key, out var reference) ? reference
            : throw new DwarfFormatException(".debug_info", 0, key, "reference to a type that was not read");
    }

    private void IndexReferences(IReadOnlyList<NodeTable> tables)
    {
        for (var i = 0; i < _nodes.Count; i++)
        {
            ref readonly var node = ref _nodes[i];
            if (!node.IsTagged)
                _references[node.Content] = i + 1;
            else if (node.Listed)
                AddToTag(i, node);
        }
        foreach (var tag in Tags)
            tag.Definitions.Sort((a, b) => _nodes[a].First.CompareTo(_nodes[b].First));
        _ownTags = Tags.Count;
        foreach (var table in tables)
        {
            foreach (var (key, content) in table.PrivateKeys)
                AddPrivate(key, content);
        }
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
        if (node < 0 || !_nodes[node].IsTagged)
            throw new DwarfFormatException(".debug_info", 0, content, "two types have the same hash");
        var tag = new TypeTag();
        tag.Definitions.Add(node);
        Tags.Add(tag);
        _references[key] = -Tags.Count;
    }

    private (int[] Targets, int[] ChildTargets) ResolveReferences()
    {
        var targets = new int[_nodes.Count];
        var children = new int[_nodes.ChildEnd];
        for (var i = 0; i < _nodes.Count; i++)
        {
            ref readonly var node = ref _nodes[i];
            var byproduct = !node.Listed && node.IsTagged;
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
