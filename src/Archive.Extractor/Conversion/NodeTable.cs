using System.Numerics;
using Btf.Format;

namespace Archive.Extractor.Conversion;

/// <summary>
/// One distinct type by content. References are keys: 0 for void, else the key of another node: by name for struct, union,
/// enum and their declarations that have one, by content for everything else.
/// </summary>
internal struct TypeNode
{
    /// <summary>Hash of the content; the identity of the node.</summary>
    public ulong Content;

    /// <summary>Hash of the name; 0 for none.</summary>
    public ulong Name;
    public BtfKind Kind;

    /// <summary>kind_flag: a FWD of a union, bitfields in a struct, signed enumerators.</summary>
    public bool Flag;

    /// <summary>Encoding bits of an INT.</summary>
    public BtfIntEncoding Encoding;

    /// <summary>Bytes of a type with a size; number of elements of an array.</summary>
    public uint Size;

    /// <summary>Key of the type that a modifier, typedef, array or prototype refers to.</summary>
    public ulong Target;
    public int FirstChild;
    public int ChildCount;

    public readonly bool IsComposite => Kind is BtfKind.Struct or BtfKind.Union;

    /// <summary>A struct, union or enum with a name, or the declaration of one: it is referred to by that name.</summary>
    public readonly bool IsTagged => Name != 0 && Kind is BtfKind.Struct or BtfKind.Union or BtfKind.Fwd or BtfKind.Enum or BtfKind.Enum64;

    /// <summary>Declares a tagged type without defining it. An enum that is only declared has no enumerators.</summary>
    public readonly bool IsDeclaration => Kind == BtfKind.Fwd || (Kind is BtfKind.Enum or BtfKind.Enum64 && ChildCount == 0);

    /// <summary>What others refer to it by: kind and name of a tagged type, else <see cref="Content"/>.</summary>
    public readonly ulong Key => IsTagged ? TagKey(Kind, Flag, Name) : Content;

    /// <summary>Key of struct, union or enum NAME; the declarations of each have that of their definition.</summary>
    public static ulong TagKey(BtfKind kind, bool flag, ulong name) => Hash64.Mix(kind switch
    {
        BtfKind.Enum or BtfKind.Enum64 => 3UL << 56,
        BtfKind.Union => 2UL << 56,
        BtfKind.Fwd when flag => 2UL << 56,
        _ => 1UL << 56,
    }, name);

    /// <summary>Where it first appeared: offset of the DIE in <c>.debug_info</c>. Decides the order of the output.</summary>
    public long First;
}

/// <summary>A member (key of its type, offset and size in bits), enumerator (value) or parameter (key of its type) of a node.</summary>
internal readonly record struct NodeChild(ulong Name, ulong Value, uint BitOffset, uint BitSize);

/// <summary>Distinct types with their children, found by content. Each worker fills one of its own; <see cref="TypeGraph"/> merges them.</summary>
internal sealed class NodeTable
{
    /// <summary>Index plus one of a node; 0 for a free slot.</summary>
    private int[] _slots = new int[1 << 14];

    /// <summary>Of each node, apart from the rest: most types are one of few, whose contents stay in the processor's cache.</summary>
    private ulong[] _contents = new ulong[1 << 13];
    private TypeNode[] _nodes = new TypeNode[1 << 13];
    private NodeChild[] _children = new NodeChild[1 << 14];
    private int _childCount;

    /// <summary>Nodes below this were seen in an earlier unit, at lower offsets.</summary>
    private int _settled;

    public int Count { get; private set; }

    /// <summary>Keys of definitions that their name does not tell apart from another in the same unit, with the content meant.</summary>
    public Dictionary<ulong, ulong> PrivateKeys { get; } = [];

    /// <summary>Members, enumerators and parameters of all nodes.</summary>
    public int ChildCount => _childCount;

    public Span<TypeNode> Nodes => _nodes.AsSpan(0, Count);

    public ReadOnlySpan<NodeChild> ChildrenOf(in TypeNode node) => _children.AsSpan(node.FirstChild, node.ChildCount);

    /// <summary>A unit begins, at a higher offset than those before: nodes that are there keep their <see cref="TypeNode.First"/>.</summary>
    public void BeginUnit() => _settled = Count;

    /// <summary>
    /// Takes the nodes of another table that are not there yet. A node that both have first appeared where the earlier of them says.
    /// </summary>
    /// <returns>For each node of the other its index here.</returns>
    public int[] Absorb(NodeTable other)
    {
        _settled = 0;
        var map = new int[other.Count];
        for (var i = 0; i < map.Length; i++)
        {
            ref readonly var node = ref other.Nodes[i];
            var index = Find(node.Content, node.First);
            map[i] = index >= 0 ? index : Add(node, other.ChildrenOf(node));
        }
        return map;
    }

    /// <summary>Index of the node with this content, or -1; lowers <see cref="TypeNode.First"/> to <paramref name="seenAt"/>.</summary>
    public int Find(ulong content, long seenAt)
    {
        var index = _slots[SlotOf(content)] - 1;
        if (index >= _settled && seenAt < _nodes[index].First)
            _nodes[index].First = seenAt;
        return index;
    }

    /// <summary>Adds a node that is not there yet, with its children.</summary>
    public int Add(TypeNode node, ReadOnlySpan<NodeChild> children)
    {
        if (Count * 2 >= _slots.Length)
            Grow();
        if (Count == _nodes.Length)
        {
            Array.Resize(ref _nodes, Count * 2);
            Array.Resize(ref _contents, Count * 2);
        }
        if (_childCount + children.Length > _children.Length)
            Array.Resize(ref _children, Math.Max(_children.Length * 2, _childCount + children.Length));
        children.CopyTo(_children.AsSpan(_childCount));
        node.FirstChild = _childCount;
        node.ChildCount = children.Length;
        _childCount += children.Length;
        _nodes[Count] = node;
        _contents[Count] = node.Content;
        _slots[SlotOf(node.Content)] = ++Count;
        return Count - 1;
    }

    private int SlotOf(ulong content)
    {
        var mask = _slots.Length - 1;
        var slot = (int)(content >> 20) & mask;
        while (_slots[slot] is not 0 and var index && _contents[index - 1] != content)
            slot = (slot + 1) & mask;
        return slot;
    }

    private void Grow()
    {
        _slots = new int[BitOperations.RoundUpToPowerOf2((uint)_slots.Length * 2)];
        for (var i = 0; i < Count; i++)
            _slots[SlotOf(_contents[i])] = i + 1;
    }
}
