using System.Runtime.InteropServices;

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
    /// <summary>A class of a node: what the ambiguous names it reaches mean.</summary>
    private struct NodeClass
    {
        public ulong Signature;

        /// <summary>Index plus one of the node's next class; 0 for none.</summary>
        public int Next;

        /// <summary>Among the classes of its node, in the order of the units that show them.</summary>
        public int Number;

        /// <summary>A unit that shows it, preferring one that has all definitions.</summary>
        public int Exemplar;
        public bool Complete;
    }

    /// <summary>
    /// What resolution may cost, in comparisons for each type of each unit, and at least. Real kernels have some twenty ambiguous
    /// names and need a few thousand comparisons in all; what needs more was made to.
    /// </summary>
    private const int StepsOfType = 8;
    private const int AlwaysAllowedSteps = 4_000_000;

    private readonly TypeGraph _graph;
    private long _room;

    /// <summary>The ambiguous names, and for each tag its index among them, or -1.</summary>
    private readonly List<int> _ambiguous = [];
    private readonly int[] _ambiguousIndex;

    /// <summary>For a definition its number among its tag's, from 1 on; 0 for other nodes.</summary>
    private readonly int[] _ordinals;

    /// <summary>For each node the part of <see cref="_reached"/> that lists the ambiguous names in its content, directly or through types without a name. Count -1: not known yet.</summary>
    private readonly (int Start, int Count)[] _reach;
    private readonly List<int> _reached = [];
    private int[] _marks = [];
    private int _mark;

    /// <summary>For each unit those of its types that an ambiguous name concerns.</summary>
    private readonly int[][] _concerned;
    private readonly bool[] _isConcerned;

    /// <summary>For each unit and ambiguous name the definition bound to it (its number), and the class of that definition there.</summary>
    private int[] _bindings = [];
    private int[] _boundClasses = [];

    /// <summary>For each struct the first of its entries in <see cref="_shows"/>, plus one; 0 for none.</summary>
    private readonly int[] _firstShow;

    /// <summary>Units that show a struct, one for each set of definitions that they give it; Next is the next of the same struct, plus one.</summary>
    private readonly List<(int Unit, int Next)> _shows = [];

    /// <summary>For an ambiguous name that some units only declare: the unit whose definition a declaration takes; -1 for none.</summary>
    private int[] _forwardUnits = [];

    private readonly int[] _firstClass;
    private readonly List<NodeClass> _classes = [];

    /// <summary>Class of a node in a unit, where it is not 0.</summary>
    private readonly Dictionary<long, int> _laterClasses = [];

    public NameResolution(TypeGraph graph)
    {
        _graph = graph;
        _room = StepsOfType * graph.Units.Sum(static unit => (long)unit.Types.Length) + AlwaysAllowedSteps;
        _reach = new (int, int)[graph.Count];
        _firstClass = new int[graph.Count];
        _firstShow = new int[graph.Count];
        _ordinals = new int[graph.Count];
        _isConcerned = new bool[graph.Count];
        _concerned = new int[graph.Units.Count][];
        Array.Fill(_concerned, []);
        _ambiguousIndex = new int[graph.Tags.Count];
        Array.Fill(_ambiguousIndex, -1);
        for (var tag = 0; tag < graph.Tags.Count; tag++)
        {
            var definitions = graph.Tags[tag].Definitions;
            // A definition with a private key has two tags; that of its name comes first.
            for (var i = 0; i < definitions.Count; i++)
            {
                if (_ordinals[definitions[i]] == 0)
                    _ordinals[definitions[i]] = i + 1;
            }
            if (definitions.Count > 1)
                MakeAmbiguous(tag);
        }
        if (_ambiguous.Count > 0)
            Refine();
    }

    /// <summary>The node declares or defines an ambiguous name, or reaches one: what it means depends on the unit.</summary>
    public bool IsConcerned(int node) => _isConcerned[node];

    /// <summary>The types of a unit that are concerned.</summary>
    public ReadOnlySpan<int> ConcernedOf(int unit) => _concerned[unit];

    /// <summary>The node has several classes: what it refers to differs between units.</summary>
    public bool IsAmbiguous(int node) => _firstClass[node] != 0 && _classes[_firstClass[node] - 1].Next != 0;

    /// <summary>Class of the node in the unit.</summary>
    public int ClassOf(int unit, int node) => IsAmbiguous(node) ? _laterClasses.GetValueOrDefault(Pair(unit, node)) : 0;

    /// <summary>A unit in which the references of the class can be followed; any for a node that reaches nothing ambiguous.</summary>
    public int ExemplarOf(int node, int @class, int unit)
    {
        for (var i = _firstClass[node]; i != 0; i = _classes[i - 1].Next)
        {
            if (_classes[i - 1].Number == @class)
                return _classes[i - 1].Exemplar;
        }
        return unit;
    }

    /// <summary>What a composite name means in a unit: node and unit to look from, or node -1 where it stays a forward declaration.</summary>
    public (int Node, int Unit) Meaning(int tag, int unit)
    {
        var definitions = _graph.Tags[tag].Definitions;
        var name = _ambiguousIndex[tag];
        if (name < 0)
            return definitions.Count == 0 ? (-1, unit) : (definitions[0], unit);
        if (_bindings[unit * _ambiguous.Count + name] is var own and > 0)
            return (definitions[own - 1], unit);
        var other = _forwardUnits[name];
        return other < 0 ? (-1, unit) : (definitions[_bindings[other * _ambiguous.Count + name] - 1], other);
    }

    private static long Pair(int unit, int node) => (long)unit << 32 | (uint)node;

    /// <exception cref="UnsupportedImageException">There is no room left.</exception>
    private void Spend(long steps)
    {
        _room -= steps;
        if (_room < 0)
            throw new UnsupportedImageException($"{_ambiguous.Count} names of types mean different things in {_graph.Units.Count} units: too many to tell apart");
    }

    private void MakeAmbiguous(int tag)
    {
        _ambiguousIndex[tag] = _ambiguous.Count;
        _ambiguous.Add(tag);
    }

    private void Refine()
    {
        int names;
        do
        {
            names = _ambiguous.Count;
            FindReach();
            FindConcerned();
            BindUnits();
            FindForwardUnits();
            ClassifyBound();
            Classify(node => _graph[node].IsTagged, keep: false);
            NameSplitDefinitions();
        }
        while (_ambiguous.Count != names);
        Classify(_ => true, keep: true);
    }

    /// <summary>Pass 2.</summary>
    private void FindReach()
    {
        _marks = new int[_ambiguous.Count];
        _mark = 0;
        _reached.Clear();
        Array.Fill(_reach, (0, -1));
        for (var node = 0; node < _reach.Length; node++)
            Reach(node);
    }

    private (int Start, int Count) Reach(int node)
    {
        if (_reach[node].Count >= 0)
            return _reach[node];
        _reach[node] = default;
        var targets = _graph.ChildTargetsOf(node);
        Follow(_graph.TargetOf(node));
        foreach (var child in targets)
            Follow(child);

        _mark++;
        var start = _reached.Count;
        Collect(_graph.TargetOf(node));
        foreach (var child in targets)
            Collect(child);
        Spend(_reached.Count - start);
        CollectionsMarshal.AsSpan(_reached)[start..].Sort();
        return _reach[node] = (start, _reached.Count - start);
    }

    private void Follow(int reference)
    {
        if (reference > 0)
            Reach(reference - 1);
    }

    private void Collect(int reference)
    {
        if (reference < 0)
        {
            if (_ambiguousIndex[-reference - 1] is var name and >= 0)
                Add(name);
            return;
        }
        if (reference == 0)
            return;
        var (start, count) = _reach[reference - 1];
        for (var i = start; i < start + count; i++)
            Add(_reached[i]);
    }

    private void Add(int name)
    {
        if (_marks[name] == _mark)
            return;
        _marks[name] = _mark;
        _reached.Add(name);
    }

    private ReadOnlySpan<int> ReachOf(int node) => CollectionsMarshal.AsSpan(_reached).Slice(_reach[node].Start, _reach[node].Count);

    /// <summary>All that follows looks at few types of each unit.</summary>
    private void FindConcerned()
    {
        for (var node = 0; node < _isConcerned.Length; node++)
            _isConcerned[node] = _reach[node].Count > 0;
        foreach (var name in _ambiguous)
        {
            var tag = _graph.Tags[name];
            foreach (var definition in tag.Definitions)
                _isConcerned[definition] = true;
            if (tag.Declaration >= 0)
                _isConcerned[tag.Declaration] = true;
        }
        var concerned = new List<int>();
        for (var unit = 0; unit < _concerned.Length; unit++)
        {
            concerned.Clear();
            foreach (var node in _graph.Units[unit].Types)
            {
                if (_isConcerned[node])
                    concerned.Add(node);
            }
            _concerned[unit] = [.. concerned];
        }
    }

    /// <summary>Pass 3. A unit with two definitions of a name refers to them by private keys, and is bound to neither.</summary>
    private void BindUnits()
    {
        const int several = -1;
        var width = _ambiguous.Count;
        Spend((long)_graph.Units.Count * width);
        _bindings = new int[_graph.Units.Count * width];
        _boundClasses = new int[_bindings.Length];
        var nameOf = new int[_graph.Count];
        Array.Fill(nameOf, -1);
        for (var name = 0; name < width; name++)
        {
            foreach (var definition in _graph.Tags[_ambiguous[name]].Definitions)
                nameOf[definition] = name;
        }
        for (var unit = 0; unit < _concerned.Length; unit++)
        {
            var bindings = _bindings.AsSpan(unit * width, width);
            foreach (var node in _concerned[unit])
            {
                if (nameOf[node] is var name and >= 0)
                    bindings[name] = bindings[name] == 0 ? _ordinals[node] : several;
            }
            bindings.Replace(several, 0);
        }
    }

    /// <summary>
    /// For a name that one unit declares and another defines, with the same struct referring to it: the first such definition.
    /// The two must agree on what else the struct refers to, else it is not the same struct.
    /// </summary>
    private void FindForwardUnits()
    {
        ShowStructs();
        _forwardUnits = new int[_ambiguous.Count];
        Array.Fill(_forwardUnits, -1);
        for (var node = 0; node < _firstShow.Length; node++)
        {
            for (var show = _firstShow[node]; show != 0; show = _shows[show - 1].Next)
            {
                foreach (var name in ReachOf(node))
                {
                    ref var first = ref _forwardUnits[name];
                    if (BindingOf(_shows[show - 1].Unit, name) == 0 && DefiningUnit(_shows[show - 1].Unit, node, name) is var unit and >= 0 && (first < 0 || unit < first))
                        first = unit;
                }
            }
        }
    }

    /// <summary>Lists for each struct the first unit of each set of definitions that it shows it with.</summary>
    private void ShowStructs()
    {
        _shows.Clear();
        Array.Clear(_firstShow);
        for (var unit = 0; unit < _concerned.Length; unit++)
        {
            foreach (var node in _concerned[unit])
            {
                if (_reach[node].Count > 0 && _graph[node].IsComposite)
                    Show(unit, node);
            }
        }
    }

    private void Show(int unit, int node)
    {
        var last = 0;
        for (var i = _firstShow[node]; i != 0; i = _shows[i - 1].Next)
        {
            last = i;
            if (AreBoundAlike(_shows[i - 1].Unit, unit, node, orUnbound: false))
                return;
        }
        _shows.Add((unit, 0));
        if (last == 0)
            _firstShow[node] = _shows.Count;
        else
            CollectionsMarshal.AsSpan(_shows)[last - 1].Next = _shows.Count;
    }

    private int BindingOf(int unit, int name) => _bindings[unit * _ambiguous.Count + name];

    /// <summary>Two units give the same definitions to the names that a node reaches; or one of them gives none.</summary>
    private bool AreBoundAlike(int left, int right, int node, bool orUnbound)
    {
        Spend(_reach[node].Count);
        foreach (var name in ReachOf(node))
        {
            var (a, b) = (BindingOf(left, name), BindingOf(right, name));
            if (a != b && !(orUnbound && (a == 0 || b == 0)))
                return false;
        }
        return true;
    }

    /// <summary>The first unit that shows the same struct, contradicts this unit in nothing, and defines a name that this unit only declares; -1 for none.</summary>
    private int DefiningUnit(int unit, int node, int name)
    {
        for (var i = _firstShow[node]; i != 0; i = _shows[i - 1].Next)
        {
            if (BindingOf(_shows[i - 1].Unit, name) > 0 && AreBoundAlike(unit, _shows[i - 1].Unit, node, orUnbound: true))
                return _shows[i - 1].Unit;
        }
        return -1;
    }

    /// <summary>Pass 4: the classes of the bound definitions, by the classes that the round before gave to what they reach, until no class splits.</summary>
    private void ClassifyBound()
    {
        var bound = new List<(int Unit, int Name, int Node)>();
        for (var i = 0; i < _bindings.Length; i++)
        {
            var (unit, name) = Math.DivRem(i, _ambiguous.Count);
            if (_bindings[i] > 0 && _graph.Tags[_ambiguous[name]].Definitions[_bindings[i] - 1] is var node && _reach[node].Count > 0)
                bound.Add((unit, name, node));
        }
        var next = new int[_bindings.Length];
        for (var before = -1; before != _classes.Count;)
        {
            before = _classes.Count;
            ForgetClasses();
            foreach (var (unit, name, node) in bound)
                next[unit * _ambiguous.Count + name] = Place(unit, node);
            (_boundClasses, next) = (next, _boundClasses);
        }
    }

    private void ForgetClasses()
    {
        _classes.Clear();
        Array.Clear(_firstClass);
    }

    /// <summary>The classes of all nodes that are asked for, in all units.</summary>
    private void Classify(Func<int, bool> isWanted, bool keep)
    {
        ForgetClasses();
        var wanted = new bool[_graph.Count];
        for (var node = 0; node < wanted.Length; node++)
            wanted[node] = _reach[node].Count > 0 && isWanted(node);
        for (var unit = 0; unit < _concerned.Length; unit++)
        {
            foreach (var node in _concerned[unit])
            {
                if (wanted[node])
                    Note(unit, node);
            }
            foreach (var function in _graph.Units[unit].Functions)
            {
                if (wanted[function.Prototype])
                    Note(unit, function.Prototype);
            }
        }

        void Note(int unit, int node)
        {
            var @class = Place(unit, node);
            if (keep && @class > 0)
                _laterClasses[Pair(unit, node)] = @class;
        }
    }

    /// <summary>Class of a node in a unit; a new one where nothing before had its signature.</summary>
    private int Place(int unit, int node)
    {
        var (signature, complete) = Signature(unit, node);
        Spend(_reach[node].Count);
        var last = 0;
        for (var i = _firstClass[node]; i != 0; i = _classes[i - 1].Next)
        {
            last = i;
            Spend(1);
            ref var known = ref CollectionsMarshal.AsSpan(_classes)[i - 1];
            if (known.Signature != signature)
                continue;
            if (complete && !known.Complete)
                (known.Complete, known.Exemplar) = (true, unit);
            return known.Number;
        }
        var number = last == 0 ? 0 : _classes[last - 1].Number + 1;
        _classes.Add(new NodeClass { Signature = signature, Number = number, Exemplar = unit, Complete = complete });
        if (last == 0)
            _firstClass[node] = _classes.Count;
        else
            CollectionsMarshal.AsSpan(_classes)[last - 1].Next = _classes.Count;
        return number;
    }

    /// <summary>What the ambiguous names that a node reaches mean in a unit; and whether the unit defines them all.</summary>
    private (ulong Signature, bool Complete) Signature(int unit, int node)
    {
        var isComposite = _graph[node].IsComposite;
        var (start, count) = _reach[node];
        var reached = CollectionsMarshal.AsSpan(_reached);
        ulong hash = 1;
        var complete = true;
        for (var i = start; i < start + count; i++)
        {
            var name = reached[i];
            var from = unit;
            if (_bindings[unit * _ambiguous.Count + name] == 0)
            {
                complete = false;
                from = isComposite && DefiningUnit(unit, node, name) is var near and >= 0 ? near : _forwardUnits[name];
                if (from < 0)
                {
                    hash = Hash64.Mix(hash, ulong.MaxValue);
                    continue;
                }
            }
            var at = from * _ambiguous.Count + name;
            hash = Hash64.Mix(hash, (ulong)(uint)_bindings[at] << 32 | (uint)_boundClasses[at]);
        }
        return (hash, complete);
    }

    /// <summary>A definition that fell into several classes makes its own name ambiguous.</summary>
    private void NameSplitDefinitions()
    {
        for (var node = 0; node < _firstClass.Length; node++)
        {
            if (_firstClass[node] != 0 && _classes[_firstClass[node] - 1].Next != 0 && _ambiguousIndex[_graph.TagOf(node)] < 0)
                MakeAmbiguous(_graph.TagOf(node));
        }
    }
}
