using System.Collections;
using Btf.Format;

namespace Btf.CoRe;

/// <summary>
/// Which types of the target are kept, and of composites which members. What a relocation needs is found by its kind: a field, its
/// path; a type, itself and what pointers lead to, composites empty; a match, all members up to the first pointer.
/// </summary>
internal sealed class TypeMarks
{
    private readonly Dictionary<(BtfBlob Btf, uint Id), BitArray?> _marks = [];
    private readonly HashSet<(BtfBlob, uint)> _followed = [];
    private readonly Stack<(uint Id, bool Flag)> _pending = new();

    /// <summary>The marked types of the kernel or a module, by ascending id.</summary>
    public IEnumerable<uint> Of(BtfBlob btf) => _marks.Keys.Where(key => key.Btf == btf).Select(key => key.Id).Order();

    /// <summary>Whether a member of a composite is kept.</summary>
    public bool HasMember(BtfBlob btf, uint id, int member) => _marks.GetValueOrDefault((btf, id))?[member] ?? false;

    public void Add(CoreSpec spec)
    {
        switch (spec.Kind)
        {
            case CoreRelocationKind.TypeIdLocal:
                break;
            case CoreRelocationKind.TypeMatches:
                MarkMatch(spec.Btf, spec.RootTypeId);
                break;
            case CoreRelocationKind.TypeExists or CoreRelocationKind.TypeSize or CoreRelocationKind.TypeIdTarget:
                Mark(spec.Btf, spec.RootTypeId, followPointers: true);
                break;
            case CoreRelocationKind.EnumvalExists or CoreRelocationKind.EnumvalValue:
                Mark(spec.Btf, spec.RootTypeId, followPointers: false);
                break;
            default:
                MarkPath(spec);
                break;
        }
    }

    private void MarkPath(CoreSpec spec)
    {
        Mark(spec.Btf, spec.RootTypeId, followPointers: false);
        var id = spec.RootTypeId;
        foreach (var step in spec.Path[1..])
        {
            var type = TypeSteps.Underlying(spec.Btf, id);
            if (type.IsComposite)
            {
                MarkMember(type, step);
                id = type.Members[step].TypeId;
                Mark(spec.Btf, id, followPointers: false);
            }
            else
            {
                id = type.Array.ElementTypeId;
            }
        }
    }

    /// <summary>A type and what it is made of by name: modifiers, elements, parameters; not the members of a composite.</summary>
    private void Mark(BtfBlob btf, uint root, bool followPointers)
    {
        _pending.Push((root, false));
        while (_pending.TryPop(out var next))
        {
            var type = btf[next.Id];
            if (!MarkType(type) && !followPointers)
                continue;
            if (followPointers && next.Id != 0 && !_followed.Add((btf, next.Id)))
                continue;
            if (type.IsComposite || (type.Kind == BtfKind.Ptr && !followPointers))
                continue;
            PushReferences(type, false);
        }
    }

    private void MarkMatch(BtfBlob btf, uint root)
    {
        var seen = new HashSet<(uint, bool)>();
        _pending.Push((root, false));
        while (_pending.TryPop(out var next))
        {
            var type = btf[next.Id];
            _ = MarkType(type);
            if (!seen.Add(next) || (type.IsComposite && next.Flag))
                continue;
            for (var i = 0; type.IsComposite && i < type.Vlen; i++)
                MarkMember(type, i);
            // Only references that do not begin anew keep what a pointer says.
            var isBehindPointer = type.Kind == BtfKind.Ptr || (type.IsModifier && next.Flag);
            PushReferences(type, isBehindPointer);
        }
    }

    private void PushReferences(in BtfType type, bool flag)
    {
        for (var i = 0; i < type.ReferenceCount; i++)
            _pending.Push((type.Reference(i), flag));
    }

    /// <returns>Whether it was not marked yet.</returns>
    private bool MarkType(in BtfType type) =>
        type.Id != 0 && _marks.TryAdd((type.Blob, type.Id), type.IsComposite ? new BitArray(type.Vlen) : null);

    private void MarkMember(in BtfType type, int member)
    {
        _ = MarkType(type);
        _marks[(type.Blob, type.Id)]![member] = true;
    }
}
