
namespace Archive.Extractor.Conversion;

/// <summary>
/// Settles what the tags (names of structs, unions and enums) mean, for the whole image.
/// <para>
/// The problem: nodes refer to <c>struct foo</c> by name. Where the image has one definition of foo, every such reference
/// means it, a forward declaration included. A few hundred names have several (drivers reuse names): then
/// <c>struct bar { struct foo *p; }</c> in a.c and in b.c are one node, but two types.
/// </para>
/// <para>
/// Two units: a.c has foo#1 and bar; b.c has foo#2 and bar. The name foo is ambiguous, bar reaches it; in a.c it is bound
/// to foo#1, in b.c to foo#2. The bindings of what bar reaches tell its two classes apart. bar now has several
/// definitions itself, so it becomes ambiguous, and what reaches bar is looked at again, until nothing changes. A third
/// unit that only declares foo takes the class that another unit's definition gives to the same bar, as libbpf's
/// equivalence does (src/btf.c, btf_dedup_is_equiv), else stays a forward declaration.
/// </para>
/// Passes: 1. ambiguous names; 2. what every node reaches of them; 3. bindings per unit; 4. classes, repeated to a fixed point.
/// </summary>
internal sealed class NameResolution
{
    private static readonly int[] Nothing = [];

    private readonly TypeGraph _graph;
    private readonly HashSet<int> _ambiguous = [];

    /// <summary>For each node the ambiguous names in its content, directly or through types without a name.</summary>
    private int[]?[] _reaches;

    /// <summary>For each unit the definition that an ambiguous name is bound to.</summary>
    private readonly Dictionary<int, int>[] _bindings;

    /// <summary>Class of a node in a unit, for nodes that reach ambiguous names: 0 is the first.</summary>
    private Dictionary<(int Unit, int Node), int> _classes = [];

    /// <summary>For each class of a node the unit that shows it, preferring one that has all definitions.</summary>
    private Dictionary<(int Node, int Class), int> _exemplars = [];

    /// <summary>For an ambiguous name that some units only declare: the unit whose definition a declaration takes.</summary>
    private readonly Dictionary<int, int> _forwardUnits = [];

    public NameResolution(TypeGraph graph)
    {
        _graph = graph;
        _reaches = new int[graph.Count][];
        _bindings = new Dictionary<int, int>[graph.Units.Count];
        for (var name = 0; name < graph.Tags.Count; name++)
        {
            if (graph.Tags[name].Definitions.Count > 1)
                _ambiguous.Add(name);
        }
        if (_ambiguous.Count > 0)
            Refine();
    }

    /// <summary>Class of the node in the unit.</summary>
    public int ClassOf(int unit, int node) => _classes.GetValueOrDefault((unit, node));

    /// <summary>A unit in which the references of the class can be followed; any for a node that reaches nothing ambiguous.</summary>
    public int ExemplarOf(int node, int @class, int unit) => _exemplars.GetValueOrDefault((node, @class), unit);

    /// <summary>What a composite name means in a unit: node and unit to look from, or node -1 where it stays a forward declaration.</summary>
    public (int Node, int Unit) Meaning(int name, int unit)
    {
        var definitions = _graph.Tags[name].Definitions;
        if (!_ambiguous.Contains(name))
            return definitions.Count == 0 ? (-1, unit) : (definitions[0], unit);
        if (_bindings[unit].TryGetValue(name, out var definition))
            return (definition, unit);
        return _forwardUnits.TryGetValue(name, out var other) ? (_bindings[other][name], other) : (-1, unit);
    }

    private void Refine()
    {
        int classes, names;
        do
        {
            names = _ambiguous.Count;
            _reaches = new int[_graph.Count][];
            BindUnits();
            FindForwardUnits();
            _classes = [];
            var before = 0;
            while ((classes = Classify()) != before)
                before = classes;
            NameSplitDefinitions();
        }
        while (_ambiguous.Count != names);
    }

    /// <summary>Pass 2, on demand.</summary>
    private int[] Reach(int node)
    {
        if (_reaches[node] is { } known)
            return known;
        _reaches[node] = Nothing;
        SortedSet<int>? found = null;
        Visit(_graph.TargetOf(node), ref found);
        foreach (var child in _graph.ChildTargetsOf(node))
            Visit(child, ref found);
        return _reaches[node] = found is null ? Nothing : [.. found];
    }

    private void Visit(int reference, ref SortedSet<int>? found)
    {
        if (reference > 0)
        {
            var reached = Reach(reference - 1);
            if (reached.Length > 0)
                (found ??= []).UnionWith(reached);
        }
        else if (reference < 0 && _ambiguous.Contains(-reference - 1))
        {
            (found ??= []).Add(-reference - 1);
        }
    }

    /// <summary>Pass 3. A unit with two definitions of a name refers to them by private keys, and is bound to neither.</summary>
    private void BindUnits()
    {
        for (var unit = 0; unit < _bindings.Length; unit++)
        {
            var bindings = _bindings[unit] = [];
            foreach (var node in _graph.Units[unit].Types)
            {
                if (!_graph[node].IsTagged || _graph[node].IsDeclaration)
                    continue;
                var name = _graph.TagOf(node);
                if (_ambiguous.Contains(name) && !bindings.TryAdd(name, node) && bindings[name] != node)
                    bindings[name] = -1;
            }
            foreach (var name in bindings.Where(b => b.Value < 0).Select(b => b.Key).ToList())
                bindings.Remove(name);
        }
    }

    /// <summary>For a name that one unit declares and another defines, with the same struct referring to it: the first such definition.</summary>
    private void FindForwardUnits()
    {
        _forwardUnits.Clear();
        var declaredIn = new HashSet<(int Node, int Name)>();
        var definedIn = new Dictionary<(int Node, int Name), int>();
        for (var unit = 0; unit < _bindings.Length; unit++)
        {
            foreach (var node in _graph.Units[unit].Types)
            {
                if (!_graph[node].IsComposite)
                    continue;
                foreach (var name in Reach(node))
                {
                    if (_bindings[unit].ContainsKey(name))
                        definedIn.TryAdd((node, name), unit);
                    else
                        declaredIn.Add((node, name));
                }
            }
        }
        foreach (var (key, unit) in definedIn)
        {
            if (declaredIn.Contains(key) && (!_forwardUnits.TryGetValue(key.Name, out var known) || unit < known))
                _forwardUnits[key.Name] = unit;
        }
        _definedIn = definedIn;
    }

    private Dictionary<(int Node, int Name), int> _definedIn = [];

    /// <summary>Pass 4, one round: classes by the bindings of what each node reaches, with the classes of the round before. Returns how many there are.</summary>
    private int Classify()
    {
        var next = new Dictionary<(int Unit, int Node), int>(_classes.Count);
        var exemplars = new Dictionary<(int Node, int Class), int>();
        var complete = new HashSet<(int Node, int Class)>();
        var known = new Dictionary<(int Node, ulong Signature), int>();
        var counts = new Dictionary<int, int>();
        for (var unit = 0; unit < _bindings.Length; unit++)
        {
            foreach (var node in _graph.Units[unit].Types)
                Place(node, unit);
            foreach (var function in _graph.Units[unit].Functions)
                Place(function.Prototype, unit);
        }
        _classes = next;
        _exemplars = exemplars;
        return known.Count;

        void Place(int node, int unit)
        {
            if (Reach(node).Length == 0)
                return;
            var (signature, isComplete) = Signature(node, unit);
            if (!known.TryGetValue((node, signature), out var @class))
            {
                @class = counts.GetValueOrDefault(node);
                counts[node] = @class + 1;
                known.Add((node, signature), @class);
                exemplars[(node, @class)] = unit;
            }
            if (isComplete && complete.Add((node, @class)))
                exemplars[(node, @class)] = unit;
            next[(unit, node)] = @class;
        }
    }

    /// <summary>What the ambiguous names that a node reaches mean in a unit; and whether the unit defines them all.</summary>
    private (ulong Signature, bool Complete) Signature(int node, int unit)
    {
        ulong hash = 1;
        var complete = true;
        foreach (var name in Reach(node))
        {
            var from = unit;
            if (!_bindings[unit].ContainsKey(name))
            {
                complete = false;
                var near = _graph[node].IsComposite && _definedIn.TryGetValue((node, name), out var same) ? same : _forwardUnits.GetValueOrDefault(name, -1);
                if (near < 0)
                {
                    hash = Hash64.Mix(hash, ulong.MaxValue);
                    continue;
                }
                from = near;
            }
            var definition = _bindings[from][name];
            hash = Hash64.Mix(hash, (ulong)(uint)definition << 32 | (uint)_classes.GetValueOrDefault((from, definition)));
        }
        return (hash, complete);
    }

    /// <summary>A definition that fell into several classes makes its own name ambiguous.</summary>
    private void NameSplitDefinitions()
    {
        foreach (var (node, @class) in _exemplars.Keys)
        {
            if (@class > 0 && _graph[node].IsTagged)
                _ambiguous.Add(_graph.TagOf(node));
        }
    }
}
