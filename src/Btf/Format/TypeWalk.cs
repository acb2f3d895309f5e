namespace Btf.Format;

/// <summary>
/// A depth-first walk of the type graph that visits each type after all it refers to, with a stack on the heap: what the
/// bytes say decides how deep it goes. Types of the base are walked where they are reached.
/// </summary>
internal sealed class TypeWalk(BtfBlob blob)
{
    private enum State : byte { New, Open, Done }

    private readonly State[] _states = new State[blob.EndId];
    private readonly Stack<(BtfType Type, int Next)> _path = new();

    /// <summary>Whether the references of a type are followed.</summary>
    public required Func<BtfType, bool> Follows { get; init; }

    /// <summary>Called once for each type, its references first; void is not visited.</summary>
    public Action<BtfType> Leave { get; init; } = _ => { };

    /// <summary>Called with a type that was reached again from itself.</summary>
    public required Action<BtfType> Cycle { get; init; }

    public void Run()
    {
        _states[0] = State.Done;
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
        if (_states[id] == State.Done)
            return;
        if (_states[id] == State.Open)
        {
            Cycle(blob[id]);
            return;
        }
        _states[id] = State.Open;
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
        _states[type.Id] = State.Done;
        Leave(type);
    }
}
