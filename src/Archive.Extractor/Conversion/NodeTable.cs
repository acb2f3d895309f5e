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

    /// <summary>It stands for a type DIE of some unit (the others are prototypes of functions, and by-products).</summary>
    public bool Listed;

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

/// <summary>
/// Distinct types with their children, found by content. Each worker fills one of its own; <see cref="TypeGraph"/> merges them.
/// Both are kept in blocks that stay where they are: to copy them whenever they outgrow an array would cost twice the memory.
/// </summary>
internal sealed class NodeTable
{
    private const int NodeBits = 12, ChildBits = 13;
    private const int NodesOfBlock = 1 << NodeBits, ChildrenOfBlock = 1 << ChildBits;

    /// <summary>Index plus one of a node; 0 for a free slot.</summary>
    private int[] _slots = new int[1 << 14];

    /// <summary>Of each node, apart from the rest: most types are one of few, whose contents stay in the processor's cache.</summary>
    private ulong[] _contents = new ulong[1 << 13];
    private readonly List<TypeNode[]> _nodes = [];

    /// <summary>A node's children stand in one block, where they may be more than others have room for; it then counts as several.</summary>
    private readonly List<NodeChild[]> _children = [];

    /// <summary>Nodes below this were seen in an earlier unit, at lower offsets.</summary>
    private int _settled;

    public int Count { get; private set; }

    /// <summary>Keys of definitions that their name does not tell apart from another in the same unit, with the content meant.</summary>
    public Dictionary<ulong, ulong> PrivateKeys { get; } = [];

    /// <summary>One past the highest <see cref="TypeNode.FirstChild"/> with its children; some numbers below belong to none.</summary>
    public int ChildEnd { get; private set; }

    public ref TypeNode this[int node] => ref _nodes[node >> NodeBits][node & (NodesOfBlock - 1)];

    /// <summary>Members, enumerators or parameters of a node.</summary>
    public ReadOnlySpan<NodeChild> ChildrenOf(in TypeNode node) => node.ChildCount == 0 ? []
        : _children[node.FirstChild >> ChildBits].AsSpan(node.FirstChild & (ChildrenOfBlock - 1), node.ChildCount);

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
            ref readonly var node = ref other[i];
            var index = Find(node.Content, node.First);
            map[i] = index >= 0 ? index : Add(node, other.ChildrenOf(node));
            this[map[i]].Listed |= node.Listed;
        }
        return map;
    }

    /// <summary>Index of the node with this content, or -1; lowers <see cref="TypeNode.First"/> to <paramref name="seenAt"/>.</summary>
    public int Find(ulong content, long seenAt)
    {
        var index = _slots[SlotOf(content)] - 1;
        if (index >= _settled && seenAt < this[index].First)
            this[index].First = seenAt;
        return index;
    }

    /// <summary>Adds a node that is not there yet, with its children.</summary>
    public int Add(TypeNode node, ReadOnlySpan<NodeChild> children)
    {
        if (Count * 2 >= _slots.Length)
            Grow();
        if (Count == _contents.Length)
            Array.Resize(ref _contents, Count * 2);
        if (Count >> NodeBits == _nodes.Count)
            _nodes.Add(new TypeNode[NodesOfBlock]);
        node.FirstChild = AddChildren(children);
        node.ChildCount = children.Length;
        this[Count] = node;
        _contents[Count] = node.Content;
        _slots[SlotOf(node.Content)] = ++Count;
        return Count - 1;
    }

    private int AddChildren(ReadOnlySpan<NodeChild> children)
    {
        if (children.IsEmpty)
            return 0;
        var first = ChildEnd;
        if (children.Length > (_children.Count << ChildBits) - first)
        {
            first = _children.Count << ChildBits;
            var block = new NodeChild[Math.Max(ChildrenOfBlock, children.Length)];
            for (var room = 0; room < children.Length; room += ChildrenOfBlock)
                _children.Add(block);
        }
        children.CopyTo(_children[first >> ChildBits].AsSpan(first & (ChildrenOfBlock - 1)));
        ChildEnd = children.Length > ChildrenOfBlock ? _children.Count << ChildBits : first + children.Length;
        return first;
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
