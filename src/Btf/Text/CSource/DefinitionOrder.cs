using Btf.Format;

namespace Btf.Text.CSource;

/// <summary>
/// Which definitions have to stand before a type, in order. A walk down the references: what is embedded is needed whole, what is
/// pointed to only by name. A type without name is written where it is used, so that its parts are needed even behind a pointer;
/// a typedef behind a pointer is needed if what it names is.
/// </summary>
internal sealed class DefinitionOrder
{
    private enum State : byte { New, Open, Done }

    private readonly BtfBlob _blob;
    private readonly WorkLimit _work;
    private readonly State[] _states;
    private readonly bool[] _referenced;
    private readonly List<uint> _queue = [];

    public DefinitionOrder(BtfBlob blob, WorkLimit work)
    {
        (_blob, _work) = (blob, work);
        _states = new State[blob.EndId];
        _referenced = new bool[blob.EndId];
        MarkReferenced(blob);
        _states[0] = State.Done;
    }

    /// <summary>The definitions to write for a type, itself the last of them if it has one; each only once. Valid until the next call.</summary>
    /// <exception cref="BtfFormatException">A type contains itself.</exception>
    public IReadOnlyList<uint> Before(uint id)
    {
        _queue.Clear();
        Visit(id, behindPointer: false, 0);
        return _queue;
    }

    private void MarkReferenced(BtfBlob blob)
    {
        if (blob.Base is not null)
            MarkReferenced(blob.Base);
        foreach (var type in blob.Types)
        {
            for (var i = 0; i < type.ReferenceCount; i++)
            {
                if (type.Reference(i) < _referenced.Length)
                    _referenced[type.Reference(i)] = true;
            }
        }
    }

    /// <returns>Whether the type, or what it leads to, is needed as a whole.</returns>
    private bool Visit(uint id, bool behindPointer, int depth)
    {
        _work.Enter(id, depth);
        var type = _blob[id];
        if (_states[id] != State.New)
            return Again(type, behindPointer);
        return type.Kind switch
        {
            BtfKind.Ptr => Pass(type, behindPointer: true, depth),
            BtfKind.Array => Pass(type, behindPointer: false, depth),
            BtfKind.Struct or BtfKind.Union => Composite(type, behindPointer, depth),
            BtfKind.Enum or BtfKind.Enum64 or BtfKind.Fwd => Declaration(type),
            BtfKind.Typedef => Typedef(type, behindPointer, depth),
            BtfKind.FuncProto => Prototype(type, behindPointer, depth),
            BtfKind.Const or BtfKind.Volatile or BtfKind.Restrict or BtfKind.TypeTag => Visit(type.SizeOrType, behindPointer, depth + 1),
            _ => Nothing(id),
        };
    }

    private bool Again(in BtfType type, bool behindPointer)
    {
        if (_states[type.Id] == State.Done)
            return true;
        return behindPointer && type.IsComposite && type.NameOffset != 0 ? false
            : throw new BtfFormatException(BtfBlob.TypesSection, 0, type.Id, "type contains itself");
    }

    private bool Nothing(uint id)
    {
        _states[id] = State.Done;
        return false;
    }

    private bool Pass(in BtfType type, bool behindPointer, int depth)
    {
        var strong = Visit(type.Reference(0), behindPointer, depth + 1);
        _states[type.Id] = State.Done;
        return strong;
    }

    private bool Composite(in BtfType type, bool behindPointer, int depth)
    {
        var isNamed = type.NameOffset != 0;
        if (behindPointer && isNamed)
            return false;
        _states[type.Id] = State.Open;
        foreach (var member in type.Members)
            Visit(member.TypeId, behindPointer: false, depth + 1);
        return Done(type.Id, isNamed);
    }

    /// <summary>An enum without name that nothing uses is there for its enumerators.</summary>
    private bool Declaration(in BtfType type) => Done(type.Id, type.NameOffset != 0 || !_referenced[type.Id]);

    private bool Typedef(in BtfType type, bool behindPointer, int depth)
    {
        var strong = Visit(type.SizeOrType, behindPointer, depth + 1);
        return (strong || !behindPointer) && Done(type.Id, isDefinition: true);
    }

    private bool Prototype(in BtfType type, bool behindPointer, int depth)
    {
        var strong = Visit(type.SizeOrType, behindPointer, depth + 1);
        foreach (var param in type.Params)
            strong |= Visit(param.TypeId, behindPointer, depth + 1);
        return strong;
    }

    private bool Done(uint id, bool isDefinition)
    {
        if (isDefinition)
            _queue.Add(id);
        _states[id] = State.Done;
        return true;
    }
}
