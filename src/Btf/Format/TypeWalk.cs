namespace Btf.Format;

/// <summary>
/// A depth-first walk of the type graph that visits each type after all it refers to, with a stack on the heap: what the
/// bytes say decides how deep it goes. Types of the base are walked where they are reached, unless they are not wanted.
/// </summary>
internal sealed class TypeWalk(BtfBlob blob)
{
    private enum State : byte { New, Open, Done }

    private State[] _states = [];
    private uint _first;
    private readonly Stack<(BtfType Type, int Next)> _path = new();

    /// <summary>Types of the base are not walked: void and they count as visited.</summary>
    public bool OwnTypesOnly { get; init; }

    /// <summary>Whether the references of a type are followed.</summary>
    public required Func<BtfType, bool> Follows { get; init; }

    /// <summary>Called once for each type, its references first; void is not visited.</summary>
    public Action<BtfType> Leave { get; init; } = _ => { };

    /// <summary>Called with a type that was reached again from itself.</summary>
    public required Action<BtfType> Cycle { get; init; }

    public void Run()
    {
        _first = OwnTypesOnly ? blob.FirstId : 1;
        _states = new State[blob.EndId - _first];
        foreach (var type in blob.Types)
        {
            Enter(type.Id);
            while (_path.TryPop(out var top))
                Step(top.Type, top.Next);
        }
    }

    private void Enter(uint id)
    {
        if (id >= blob.EndId)
            throw new BtfFormatException(BtfBlob.TypesSection, 0, id, "type id out of range");
        if (id < _first || _states[id - _first] == State.Done)
            return;
        if (_states[id - _first] == State.Open)
        {
            Cycle(blob[id]);
            return;
        }
        _states[id - _first] = State.Open;
        _path.Push((blob[id], 0));
    }

    private void Step(in BtfType type, int next)
    {
        if (next < type.ReferenceCount && Follows(type))
        {
            _path.Push((type, next + 1));
            Enter(type.Reference(next));
            return;
        }
        _states[type.Id - _first] = State.Done;
        Leave(type);
    }
}
