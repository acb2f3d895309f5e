using System.Collections;
using Btf.Format;

namespace Btf.CoRe;

/// <summary>
/// Which types of the target are kept, and of composites which members. What a relocation needs is found by its kind: a field, its
/// path; a type, itself and what pointers lead to, composites empty; a match, all members up to the first pointer.
/// </summary>
internal sealed class TypeMarks
{
    private readonly Dictionary<BtfBlob, MarkedBlob> _blobs = [];
    private readonly Stack<(uint Id, bool Flag)> _pending = new();

    /// <summary>The marks in the kernel's BTF or a module's; null if there are none.</summary>
    public MarkedBlob? In(BtfBlob btf) => _blobs.GetValueOrDefault(btf);

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
            if (followPointers && next.Id != 0 && !BlobOf(type).Follow(type))
                continue;
            if (type.IsComposite || (type.Kind == BtfKind.Ptr && !followPointers))
                continue;
            PushReferences(type, false);
        }
    }

    private void MarkMatch(BtfBlob btf, uint root)
    {
        if (!BlobOf(btf[root]).Match(root))
            return;
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
    private bool MarkType(in BtfType type) => type.Id != 0 && BlobOf(type).Mark(type);

    private void MarkMember(in BtfType type, int member) => BlobOf(type).MarkMember(type, member);

    private MarkedBlob BlobOf(in BtfType type)
    {
        if (!_blobs.TryGetValue(type.Blob, out var blob))
            _blobs.Add(type.Blob, blob = new MarkedBlob(type.Blob));
        return blob;
    }
}

/// <summary>The marked types of one BTF, the base of a split one not included.</summary>
internal sealed class MarkedBlob(BtfBlob btf)
{
    private readonly BitArray _types = new(btf.TypeCount);
    private readonly List<int> _order = [];
    private readonly BitArray _followed = new(btf.TypeCount);
    private readonly BitArray _matched = new(btf.TypeCount);
    private readonly Dictionary<int, BitArray> _members = [];

    /// <summary>The marked types, ascending, counted from the first of this BTF.</summary>
    public int[] Sorted() => [.. _order.Order()];

    public bool HasMember(uint id, int member) => _members.TryGetValue(Index(id), out var members) && members[member];

    /// <returns>Whether it was not marked yet.</returns>
    public bool Mark(in BtfType type)
    {
        if (!Set(_types, Index(type.Id)))
            return false;
        _order.Add(Index(type.Id));
        return true;
    }

    /// <returns>Whether its pointers were not followed yet.</returns>
    public bool Follow(in BtfType type) => Set(_followed, Index(type.Id));

    /// <returns>Whether it was not the root of a match yet.</returns>
    public bool Match(uint id) => Set(_matched, Index(id));

    public void MarkMember(in BtfType type, int member)
    {
        _ = Mark(type);
        if (!_members.TryGetValue(Index(type.Id), out var members))
            _members.Add(Index(type.Id), members = new BitArray(type.Vlen));
        members[member] = true;
    }

    private int Index(uint id) => (int)(id - btf.FirstId);

    private static bool Set(BitArray bits, int index)
    {
        var isNew = !bits[index];
        bits[index] = true;
        return isNew;
    }
}
