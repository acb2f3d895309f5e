using Btf;
using Btf.Format;

namespace Archive.Extractor.Conversion;

/// <summary>
/// Writes the graph as BTF: data types in the order of their first appearance, functions by name, each behind its
/// prototype, then the per-CPU variables and their DATASEC. The order depends on the input alone.
/// </summary>
internal sealed class BtfEmitter
{
    /// <summary>An index type for arrays that every image has, or gets: <c>int</c>.</summary>
    private static readonly byte[] IndexTypeName = "int"u8.ToArray();

    private readonly TypeGraph _graph;
    private readonly NameResolution _resolution;
    private readonly BtfWriter _writer;

    /// <summary>A type to be written: a node as seen from a unit.</summary>
    private readonly record struct Vertex(int Node, int Class, int Unit);

    private readonly List<Vertex> _vertices = [];
    private readonly Dictionary<(int Node, int Class), int> _ids = [];

    private uint _indexType;

    private BtfEmitter(TypeGraph graph, NameResolution resolution, bool littleEndian)
    {
        _graph = graph;
        _resolution = resolution;
        _writer = new BtfWriter(littleEndian);
    }

    public static byte[] Emit(TypeGraph graph, NameResolution resolution, FunctionSelection functions, bool littleEndian)
    {
        var emitter = new BtfEmitter(graph, resolution, littleEndian);
        emitter.NumberTypes();
        emitter.FindIndexType();
        foreach (var vertex in emitter._vertices)
            emitter.Write(vertex);
        emitter.WriteIndexType();
        emitter.WriteFunctions(functions);
        emitter.WriteVariables();
        return emitter._writer.ToArray();
    }

    /// <summary>Every type that stands in some unit, once for each of its classes, with ids in order of appearance.</summary>
    private void NumberTypes()
    {
        for (var unit = 0; unit < _graph.Units.Count; unit++)
        {
            foreach (var node in _graph.Units[unit].Types)
            {
                if (_graph[node] is { IsTagged: true, IsDeclaration: true } && _resolution.Meaning(_graph.TagOf(node), unit).Node >= 0)
                    continue;
                var @class = _resolution.ClassOf(unit, node);
                if (_ids.TryAdd((node, @class), 0))
                    _vertices.Add(new Vertex(node, @class, _resolution.ExemplarOf(node, @class, unit)));
            }
        }
        _vertices.Sort((a, b) => (_graph[a.Node].First, a.Class).CompareTo((_graph[b.Node].First, b.Class)));
        for (var i = 0; i < _vertices.Count; i++)
            _ids[(_vertices[i].Node, _vertices[i].Class)] = i + 1;
    }

    private void FindIndexType()
    {
        var name = Hash64.Of(IndexTypeName);
        foreach (var vertex in _vertices)
        {
            ref readonly var node = ref _graph[vertex.Node];
            if (node.Kind == BtfKind.Int && node.Name == name && node.Size == 4)
            {
                _indexType = (uint)_ids[(vertex.Node, vertex.Class)];
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
    private uint IdOf(int reference, int unit)
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

    private uint Lookup(int node, int @class) => _ids.TryGetValue((node, @class), out var id) ? (uint)id
        : throw new DwarfFormatException(".debug_info", node < 0 ? 0 : _graph[node].First, null, "reference to a type that no unit holds");

    private uint NameOf(ulong name) => name == 0 ? 0 : _writer.AddString(_graph.Text[name]);

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
                _writer.Word(IdOf(_graph.TargetOf(vertex.Node), vertex.Unit));
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
                _writer.Begin(name, node.Kind, false, 0, IdOf(_graph.TargetOf(vertex.Node), vertex.Unit));
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
            _writer.Word(IdOf(targets[i], vertex.Unit));
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
        var id = _writer.Begin(0, BtfKind.FuncProto, false, parameters.Length, IdOf(_graph.TargetOf(node), unit));
        for (var i = 0; i < parameters.Length; i++)
        {
            _writer.Word(NameOf(parameters[i].Name));
            _writer.Word(IdOf(targets[i], unit));
        }
        return (uint)id;
    }

    private void WriteFunctions(FunctionSelection functions)
    {
        foreach (var (state, unit) in functions.Select())
        {
            var @class = _resolution.ClassOf(unit, state.Prototype);
            if (!_ids.TryGetValue((state.Prototype, @class), out var prototype))
            {
                prototype = (int)WritePrototype(state.Prototype, unit);
                _ids.Add((state.Prototype, @class), prototype);
            }
            _writer.Begin(NameOf(state.Name), BtfKind.Func, false, (int)BtfLinkage.Static, (uint)prototype);
        }
    }

    private void WriteVariables()
    {
        var variables = new List<(VariableState State, uint Type)>();
        for (var unit = 0; unit < _graph.Units.Count; unit++)
        {
            foreach (var state in _graph.Units[unit].Variables)
                variables.Add((state, IdOf(_graph.Resolve(state.Type), unit)));
        }
        if (variables.Count == 0)
            return;
        variables.Sort((a, b) => a.State.Offset != b.State.Offset
            ? a.State.Offset.CompareTo(b.State.Offset)
            : _graph.Text[a.State.Name].AsSpan().SequenceCompareTo(_graph.Text[b.State.Name]));
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
        var id = _writer.Begin(NameOf(variable.State.Name), BtfKind.Var, false, 0, variable.Type);
        _writer.Word((uint)(variable.State.External ? BtfLinkage.Global : BtfLinkage.Static));
        return (uint)id;
    }
}
