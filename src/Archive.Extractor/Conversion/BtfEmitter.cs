using System.Runtime.InteropServices;
using System.Text;
using Btf;
using Btf.Dedup;
using Btf.Format;

namespace Archive.Extractor.Conversion;

/// <summary>
/// Writes the graph as BTF: data types in the order of their first appearance, functions likewise, each behind its
/// prototype where that is new, then the per-CPU variables and their DATASEC. The order depends on the input alone.
/// </summary>
internal sealed class BtfEmitter
{
    /// <summary>An index type for arrays that every image has, or gets: <c>int</c>.</summary>
    private static readonly byte[] IndexTypeName = "int"u8.ToArray();

    private readonly TypeGraph _graph;
    private readonly NameResolution _resolution;
    private readonly NameTexts _texts;
    private readonly BtfWriter _writer;

    /// <summary>A type to be written: a node as seen from a unit.</summary>
    private readonly record struct Vertex(int Node, int Class, int Unit);

    private readonly List<Vertex> _vertices;

    /// <summary>Ids of the nodes in their first class, and in the others.</summary>
    private readonly uint[] _ids;
    private readonly Dictionary<(int Node, int Class), uint> _laterIds = [];

    /// <summary>Offsets of the names that were written.</summary>
    private readonly Dictionary<ulong, uint> _names;
    private uint _lastName;
    private bool _namesAreUnique = true;

    private uint _indexType;

    private BtfEmitter(TypeGraph graph, NameResolution resolution, NameTexts texts, bool littleEndian)
    {
        _texts = texts;
        _graph = graph;
        _resolution = resolution;
        _writer = new BtfWriter(littleEndian);
        _ids = new uint[graph.Count];
        (_vertices, _names) = (new List<Vertex>(graph.Count), new Dictionary<ulong, uint>(graph.Count));
    }

    /// <returns>Null where two identities turn out to be one name.</returns>
    public static byte[]? Emit(
        TypeGraph graph, NameResolution resolution, NameTexts texts,
        IReadOnlyList<(FunctionState State, int Unit)> functions, KfuncSets kfuncs, bool littleEndian)
    {
        var emitter = new BtfEmitter(graph, resolution, texts, littleEndian);
        emitter.NumberTypes();
        emitter.FindIndexType();
        foreach (var vertex in emitter._vertices)
            emitter.Write(vertex);
        emitter.WriteIndexType();
        emitter.WriteFunctions(functions, kfuncs);
        emitter.WriteTypeTags();
        emitter.WriteVariables();
        return emitter._namesAreUnique ? RepeatedTypes.Merge(emitter._writer.ToArray(), emitter.Suspects()) : null;
    }

    /// <summary>Ids of types that may stand twice (<see cref="TypeGraph.PrivateReferrers"/>).</summary>
    private List<uint> Suspects()
    {
        var nodes = _graph.PrivateReferrers();
        var ids = new List<uint>(nodes.Count);
        foreach (var node in nodes)
        {
            if (_ids[node] != 0)
                ids.Add(_ids[node]);
        }
        foreach (var ((node, _), id) in _laterIds)
        {
            if (nodes.Contains(node))
                ids.Add(id);
        }
        return ids;
    }

    /// <summary>Every type that stands in some unit, once for each of its classes, with ids in order of appearance.</summary>
    private void NumberTypes()
    {
        for (var node = 0; node < _graph.Count; node++)
        {
            // Such a node means the same in every unit: the first will do.
            if (_graph[node].Listed && !_resolution.IsConcerned(node))
                Number(node, 0);
        }
        var settled = new bool[_graph.Count];
        for (var unit = 0; unit < _graph.Units.Count; unit++)
        {
            foreach (var node in _resolution.ConcernedOf(unit))
            {
                if (!settled[node])
                    settled[node] = Number(node, unit);
            }
        }
        var order = _vertices.ConvertAll(vertex => new Appearance(_graph[vertex.Node].First, vertex.Class, _graph[vertex.Node].Content));
        CollectionsMarshal.AsSpan(order).Sort(CollectionsMarshal.AsSpan(_vertices));
        for (var i = 0; i < _vertices.Count; i++)
            Remember(_vertices[i].Node, _vertices[i].Class, (uint)i + 1);
    }

    /// <summary>Where a type appeared first. The tags of a pointer appear where it does: their content decides.</summary>
    private readonly record struct Appearance(long First, int Class, ulong Content) : IComparable<Appearance>
    {
        public int CompareTo(Appearance other) =>
            First != other.First ? First.CompareTo(other.First)
            : Class != other.Class ? Class.CompareTo(other.Class)
            : Content.CompareTo(other.Content);
    }

    /// <summary>Takes the class that a node has in a unit, unless another unit showed it. True where other units have nothing to add.</summary>
    private bool Number(int node, int unit)
    {
        if (_graph[node] is { IsTagged: true, IsDeclaration: true })
        {
            if (_resolution.Meaning(_graph.TagOf(node), unit).Node >= 0)
                return false;
            _vertices.Add(new Vertex(node, 0, unit));
            return true;
        }
        if (!_resolution.IsAmbiguous(node))
        {
            _vertices.Add(new Vertex(node, 0, _resolution.ExemplarOf(node, 0, unit)));
            return true;
        }
        var @class = _resolution.ClassOf(unit, node);
        if (IdOf(node, @class) == 0)
        {
            Remember(node, @class, uint.MaxValue);
            _vertices.Add(new Vertex(node, @class, _resolution.ExemplarOf(node, @class, unit)));
        }
        return false;
    }

    private void Remember(int node, int @class, uint id)
    {
        if (@class == 0)
            _ids[node] = id;
        else
            _laterIds[(node, @class)] = id;
    }

    /// <summary>0 where it has none yet.</summary>
    private uint IdOf(int node, int @class) => @class == 0 ? _ids[node] : _laterIds.GetValueOrDefault((node, @class));

    private void FindIndexType()
    {
        foreach (var vertex in _vertices)
        {
            ref readonly var node = ref _graph[vertex.Node];
            if (node is { Kind: BtfKind.Int, Size: 4 } && _texts.OfIdentity(node.Name).SequenceEqual(IndexTypeName))
            {
                _indexType = IdOf(vertex.Node, vertex.Class);
                return;
            }
        }
        _indexType = (uint)_vertices.Count + 1;
    }

    private void WriteIndexType()
    {
        if (_indexType <= _vertices.Count)
            return;
        _writer.Begin(_writer.AddString(IndexTypeName), BtfKind.Int, flag: false, 0, 4);
        _writer.Word((uint)BtfIntEncoding.Signed << 24 | 32);
    }

    /// <summary>Id of what a reference means when it is followed from a unit.</summary>
    private uint Refer(int reference, int unit)
    {
        if (reference == 0)
            return 0;
        if (reference > 0)
            return Lookup(reference - 1, _resolution.ClassOf(unit, reference - 1));
        var (meaning, from) = _resolution.Meaning(-reference - 1, unit);
        if (meaning < 0)
            return Lookup(_graph.Tags[-reference - 1].Declaration, 0);
        return Lookup(meaning, _resolution.ClassOf(from, meaning));
    }

    private uint Lookup(int node, int @class) => node >= 0 && IdOf(node, @class) is var id and > 0 ? id
        : throw new DwarfFormatException(".debug_info", node < 0 ? 0 : _graph[node].First, null, "reference to a type that no unit holds");

    private uint NameOf(ulong name)
    {
        if (name == 0)
            return 0;
        ref var offset = ref CollectionsMarshal.GetValueRefOrAddDefault(_names, name, out var known);
        if (!known)
            offset = AddName(_texts.OfIdentity(name));
        return offset;
    }

    /// <summary>Two identities of one text, or one without text: offsets of .debug_str do not stand for its strings.</summary>
    private uint AddName(ReadOnlySpan<byte> text)
    {
        var offset = _writer.AddString(text);
        _namesAreUnique &= offset > _lastName;
        _lastName = Math.Max(_lastName, offset);
        return offset;
    }

    private void Write(Vertex vertex)
    {
        ref readonly var node = ref _graph[vertex.Node];
        var children = _graph.ChildrenOf(vertex.Node);
        var name = NameOf(node.Name);
        switch (node.Kind)
        {
            case BtfKind.Int:
                _writer.Begin(name, node.Kind, false, 0, node.Size);
                _writer.Word((uint)node.Encoding << 24 | node.Size * 8);
                break;
            case BtfKind.Float:
                _writer.Begin(name, node.Kind, false, 0, node.Size);
                break;
            case BtfKind.Fwd:
                _writer.Begin(name, node.Kind, node.Flag, 0, 0);
                break;
            case BtfKind.Array:
                _writer.Begin(0, node.Kind, false, 0, 0);
                _writer.Word(Refer(_graph.TargetOf(vertex.Node), vertex.Unit));
                _writer.Word(_indexType);
                _writer.Word(node.Size);
                break;
            case BtfKind.Struct or BtfKind.Union:
                _writer.Begin(name, node.Kind, node.Flag, children.Length, node.Size);
                WriteMembers(vertex, node.Flag, children);
                break;
            case BtfKind.Enum or BtfKind.Enum64:
                _writer.Begin(name, node.Kind, node.Flag, children.Length, node.Size);
                WriteEnumerators(node.Kind, children);
                break;
            case BtfKind.FuncProto:
                WritePrototype(vertex.Node, vertex.Unit);
                break;
            default:
                _writer.Begin(name, node.Kind, false, 0, Refer(_graph.TargetOf(vertex.Node), vertex.Unit));
                break;
        }
    }

    /// <summary>With kind_flag an offset holds 24 bits of it and the bitfield's size above them.</summary>
    private void WriteMembers(Vertex vertex, bool flag, ReadOnlySpan<NodeChild> members)
    {
        var targets = _graph.ChildTargetsOf(vertex.Node);
        for (var i = 0; i < members.Length; i++)
        {
            if (flag && members[i].BitOffset > 0xff_ffff)
                throw new BtfFormatException("types", 0, members[i].BitOffset, "offset in a struct with bitfields does not fit 24 bits");
            _writer.Word(NameOf(members[i].Name));
            _writer.Word(Refer(targets[i], vertex.Unit));
            _writer.Word(flag ? members[i].BitOffset | members[i].BitSize << 24 : members[i].BitOffset);
        }
    }

    private void WriteEnumerators(BtfKind kind, ReadOnlySpan<NodeChild> enumerators)
    {
        foreach (var enumerator in enumerators)
        {
            _writer.Word(NameOf(enumerator.Name));
            _writer.Word((uint)enumerator.Value);
            if (kind == BtfKind.Enum64)
                _writer.Word((uint)(enumerator.Value >> 32));
        }
    }

    private uint WritePrototype(int node, int unit)
    {
        var parameters = _graph.ChildrenOf(node);
        var targets = _graph.ChildTargetsOf(node);
        var id = _writer.Begin(0, BtfKind.FuncProto, false, parameters.Length, Refer(_graph.TargetOf(node), unit));
        for (var i = 0; i < parameters.Length; i++)
        {
            _writer.Word(NameOf(parameters[i].Name));
            _writer.Word(Refer(targets[i], unit));
        }
        return (uint)id;
    }

    /// <summary>Prototypes first, so that all names of types and parameters stand before those of functions.</summary>
    private void WriteFunctions(IReadOnlyList<(FunctionState State, int Unit)> functions, KfuncSets kfuncs)
    {
        foreach (var (state, unit) in functions)
        {
            var @class = _resolution.ClassOf(unit, state.Prototype);
            if (IdOf(state.Prototype, @class) == 0)
                Remember(state.Prototype, @class, WritePrototype(state.Prototype, unit));
        }
        var tags = new List<(uint Type, int Component, string Tag)>();
        foreach (var (state, unit) in functions)
        {
            var prototype = IdOf(state.Prototype, _resolution.ClassOf(unit, state.Prototype));
            var id = (uint)_writer.Begin(_writer.AddString(_texts.OfHash(state.Name)), BtfKind.Func, false, (int)BtfLinkage.Static, prototype);
            foreach (var tag in kfuncs.TagsOf(state.Name))
                tags.Add((id, -1, tag));
            foreach (var (component, tag) in state.DeclTags)
                tags.Add((id, component, Encoding.UTF8.GetString(_texts.OfHash(tag))));
        }
        WriteTags(tags);
    }

    /// <summary>The DECL_TAGs of types and members.</summary>
    private void WriteTypeTags()
    {
        var tags = new List<(uint Type, int Component, string Tag)>();
        for (var unit = 0; unit < _graph.Units.Count; unit++)
        {
            foreach (var tag in _graph.Units[unit].DeclTags)
                tags.Add((IdOf(tag.Node, _resolution.ClassOf(unit, tag.Node)), tag.Component, Encoding.UTF8.GetString(_texts.OfHash(tag.Tag))));
        }
        WriteTags(tags);
    }

    private void WriteTags(List<(uint Type, int Component, string Tag)> tags)
    {
        if (tags.Count == 0)
            return;
        foreach (var (type, component, tag) in tags.Where(t => t.Type != 0).Distinct().OrderBy(t => t.Type).ThenBy(t => t.Component).ThenBy(t => t.Tag, StringComparer.Ordinal))
        {
            _writer.Begin(_writer.AddString(Encoding.UTF8.GetBytes(tag)), BtfKind.DeclTag, false, 0, type);
            _writer.Word((uint)component);
        }
    }

    private void WriteVariables()
    {
        var variables = new List<(VariableState State, uint Type)>();
        for (var unit = 0; unit < _graph.Units.Count; unit++)
        {
            foreach (var state in _graph.Units[unit].Variables)
                variables.Add((state, Refer(_graph.Resolve(state.Type), unit)));
        }
        if (variables.Count == 0)
            return;
        variables.Sort((a, b) => a.State.Offset != b.State.Offset
            ? a.State.Offset.CompareTo(b.State.Offset)
            : _texts.OfHash(a.State.Name).SequenceCompareTo(_texts.OfHash(b.State.Name)));
        var ids = variables.ConvertAll(WriteVariable);
        var last = variables[^1].State;
        _writer.Begin(_writer.AddString(".data..percpu"u8), BtfKind.Datasec, false, variables.Count, last.Offset + last.Size);
        for (var i = 0; i < ids.Count; i++)
        {
            _writer.Word(ids[i]);
            _writer.Word(variables[i].State.Offset);
            _writer.Word(variables[i].State.Size);
        }
    }

    private uint WriteVariable((VariableState State, uint Type) variable)
    {
        var id = _writer.Begin(_writer.AddString(_texts.OfHash(variable.State.Name)), BtfKind.Var, false, 0, variable.Type);
        _writer.Word((uint)(variable.State.External ? BtfLinkage.Global : BtfLinkage.Static));
        return (uint)id;
    }
}
