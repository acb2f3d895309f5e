using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Archive.Extractor.Dwarf;
using Btf.Format;

namespace Archive.Extractor.Conversion;

/// <summary>
/// Turns the type DIEs of one unit into nodes of a <see cref="NodeTable"/>. A node is hashed by content, with references by
/// key: a struct, union or enum with a name counts by kind and name only, so that recursion ends there and a forward declaration
/// equals its definition. What such a name means is settled for the whole image by <see cref="NameResolution"/>.
/// <para>
/// All types of a unit are hashed first, and looked up afterwards: of a hundred types one is new, and only that one needs a
/// list of its members.
/// </para>
/// </summary>
internal sealed class UnitEncoder(NodeTable nodes, NameReader names, BtfFeatures features)
{
    /// <summary>Deepest nesting of types that have no name to stop at; C code stays below 20.</summary>
    private const int MaxDepth = 500;

    private const byte InProgress = 1, Done = 2;

    /// <summary>What pahole calls integers that BTF cannot hold (DW_ATE_unsigned_24 and the like, used by location expressions only).</summary>
    private static readonly byte[] UnrepresentableInt = "__SANITIZED_FAKE_INT__"u8.ToArray();

    private readonly Dictionary<ulong, int> _definitions = [];
    private readonly HashSet<ulong> _conflicts = [];
    private byte[] _state = [];
    private ulong[] _keys = [];

    /// <summary>What each type hashes to; 0 where it stands for void or another type.</summary>
    private ulong[] _contents = [];
    private readonly List<NodeChild> _children = [];
    private UnitDies _dies = null!;
    private UnitHeader _unit;
    private bool _littleEndian;

    private int[] _listed = new int[1 << 13];
    private int _listedCount;

    /// <summary>For each node the number of the last unit that listed it.</summary>
    private int[] _listedBy = new int[1 << 13];
    private int _unitNumber;

    /// <summary>Encodes every type of the unit. Afterwards <see cref="KeyAt"/> answers.</summary>
    /// <returns>The nodes of the unit's types, each once; good until the next unit.</returns>
    public ReadOnlySpan<int> Encode(UnitDies dies, in UnitHeader unit, bool littleEndian)
    {
        Begin(dies, unit, littleEndian);
        NameTagged();
        _listedCount = 0;
        _unitNumber++;
        for (var i = 0; i < dies.TypeCount; i++)
        {
            if (_state[i] != Done)
                Encode(i, 0);
        }
        ListNodes();
        return _listed.AsSpan(0, _listedCount);
    }

    /// <summary>Key of the type at an offset; 0 for void.</summary>
    public ulong KeyAt(uint offset) => offset == 0 ? 0 : KeyOf(IndexAt(offset), 0);

    /// <summary>Size in bytes of the type at an offset, through typedefs, modifiers and arrays; 0 where it has none.</summary>
    public ulong SizeAt(uint offset)
    {
        ulong factor = 1;
        for (var depth = 0; depth < MaxDepth && offset != 0; depth++)
        {
            ref readonly var die = ref _dies.Types[IndexAt(offset)];
            switch (die.Shape)
            {
                case TypeShape.Base or TypeShape.Struct or TypeShape.Union:
                    return factor * die.Size;
                case TypeShape.Enum:
                    return factor * (die.Size == 0 ? 4 : die.Size);
                case TypeShape.Pointer:
                    return factor * _unit.AddressSize;
                case TypeShape.Array:
                    factor *= die.Size;
                    break;
                case TypeShape.Void or TypeShape.Prototype:
                    return 0;
            }
            offset = die.TypeRef;
        }
        return 0;
    }

    /// <summary>Node of a type DIE; -1 where it stands for void or another type.</summary>
    public int NodeOf(int type) => _contents[type] == 0 ? -1 : nodes.Find(_contents[type], long.MaxValue);

    /// <summary>Adds the prototype with these parameters (name and key), and returns the index of its node.</summary>
    public int AddPrototype(ulong returned, ReadOnlySpan<NodeChild> parameters, long seenAt) =>
        Intern(new TypeNode { Kind = BtfKind.FuncProto, Target = returned }, parameters, seenAt, out _);

    private void Begin(UnitDies dies, in UnitHeader unit, bool littleEndian)
    {
        (_dies, _unit, _littleEndian) = (dies, unit, littleEndian);
        nodes.BeginUnit();
        if (_state.Length < dies.TypeCount)
        {
            var size = Math.Max(dies.TypeCount, _state.Length * 2);
            (_state, _keys, _contents) = (new byte[size], new ulong[size], new ulong[size]);
        }
        Array.Clear(_state, 0, dies.TypeCount);
        Array.Clear(_keys, 0, dies.TypeCount);
    }

    /// <summary>
    /// Gives every struct, union and enum with a name its key. Where one unit defines a name twice (in two functions, say) the name
    /// does not tell them apart, and each definition that differs gets a key of its own.
    /// </summary>
    private void NameTagged()
    {
        _definitions.Clear();
        _conflicts.Clear();
        for (var i = 0; i < _dies.TypeCount; i++)
        {
            ref readonly var die = ref _dies.Types[i];
            if (!die.IsTagged)
                continue;
            _keys[i] = TypeNode.TagKey(KindOf(die.Shape), flag: false, die.Name);
            if (!die.Declaration && !_definitions.TryAdd(_keys[i], i))
                _conflicts.Add(_keys[i]);
        }
        if (_conflicts.Count > 0)
            SeparateConflicts();
    }

    private void SeparateConflicts()
    {
        var contents = new Dictionary<ulong, (ulong First, bool Differ)>();
        var own = new List<(int Type, ulong Content)>();
        for (var i = 0; i < _dies.TypeCount; i++)
        {
            if (!_dies.Types[i].IsTagged || _dies.Types[i].Declaration || !_conflicts.Contains(_keys[i]))
                continue;
            var content = ContentOf(i, 0, out _);
            own.Add((i, content));
            contents[_keys[i]] = contents.TryGetValue(_keys[i], out var seen) ? (seen.First, seen.Differ || seen.First != content) : (content, false);
        }

        // What was encoded on the way referred to these types by name.
        for (var i = 0; i < _dies.TypeCount; i++)
        {
            if (!_dies.Types[i].IsTagged)
                _keys[i] = 0;
        }
        Array.Clear(_state, 0, _dies.TypeCount);
        foreach (var (type, content) in own)
        {
            if (contents[_keys[type]].Differ)
                _keys[type] = Hash64.Mix(_keys[type], content);
        }
    }

    private static BtfKind KindOf(TypeShape shape) => shape switch
    {
        TypeShape.Union => BtfKind.Union,
        TypeShape.Enum => BtfKind.Enum,
        _ => BtfKind.Struct,
    };

    private int IndexAt(uint offset)
    {
        var index = _dies.FindType(offset);
        return index >= 0 ? index : throw new DwarfFormatException(".debug_info", offset, null, $"reference to something that is no type, in the unit at 0x{_unit.Offset:x}");
    }

    private ulong KeyOf(int type, int depth)
    {
        if (_keys[type] == 0 && _state[type] != Done)
            Encode(type, depth);
        return _keys[type];
    }

    private DwarfFormatException TooDeep(in TypeDie die) =>
        new(".debug_info", die.Offset, MaxDepth, "types nested too deep, or in a cycle without a named struct");

    private void Encode(int type, int depth)
    {
        ref readonly var die = ref _dies.Types[type];
        if (_state[type] == InProgress || depth > MaxDepth)
            throw TooDeep(die);
        _state[type] = InProgress;
        ulong content = 0;
        if (die.Shape == TypeShape.Transparent)
        {
            _keys[type] = TargetOf(die, depth);
        }
        else if (die.Shape != TypeShape.Void && !IsNamelessDeclaration(die))
        {
            content = ContentOf(type, depth, out var node);
            if (!node.IsTagged)
                _keys[type] = content;
            else if (_keys[type] != node.Key)
                nodes.PrivateKeys.TryAdd(_keys[type], content);
        }
        _contents[type] = content;
        _state[type] = Done;
    }

    private ulong ContentOf(int type, int depth, out TypeNode node)
    {
        var hash = default(ContentHash);
        node = Describe(type, depth, ref hash);
        return hash.Of(node);
    }

    private void ListNodes()
    {
        for (var i = 0; i < _dies.TypeCount; i++)
        {
            if (_contents[i] is not 0 and var content)
                List(nodes.Find(content, _dies.Types[i].Offset) is >= 0 and var known ? known : Add(i, content));
        }
    }

    private int Add(int type, ulong content)
    {
        _children.Clear();
        var list = new ChildList(_children);
        var node = Describe(type, 0, ref list);
        return nodes.Add(node with { Content = content, First = _dies.Types[type].Offset }, CollectionsMarshal.AsSpan(_children));
    }

    /// <summary>A struct that is declared without a name can only be referred to as void.</summary>
    private static bool IsNamelessDeclaration(in TypeDie die) => die.Declaration && die.Name == 0 && die.Shape is TypeShape.Struct or TypeShape.Union;

    private void List(int node)
    {
        if (node >= _listedBy.Length)
            Array.Resize(ref _listedBy, Math.Max(node + 1, _listedBy.Length * 2));
        ref var listedBy = ref _listedBy[node];
        if (listedBy == _unitNumber)
            return;
        if (listedBy == 0)
            nodes[node].Listed = true;
        listedBy = _unitNumber;
        if (_listedCount == _listed.Length)
            Array.Resize(ref _listed, _listedCount * 2);
        _listed[_listedCount++] = node;
    }

    /// <summary>The node of a type; its children go to the sink.</summary>
    private TypeNode Describe<TSink>(int type, int depth, ref TSink children)
        where TSink : struct, IChildSink
    {
        ref readonly var die = ref _dies.Types[type];
        var node = default(TypeNode);
        switch (die.Shape)
        {
            case TypeShape.Base:
                DescribeBase(die, ref node);
                break;
            case TypeShape.Struct or TypeShape.Union when die.Declaration:
                node.Name = die.Name;
                node.Kind = BtfKind.Fwd;
                node.Flag = die.Shape == TypeShape.Union;
                break;
            case TypeShape.Struct or TypeShape.Union:
                node.Name = die.Name;
                node.Kind = KindOf(die.Shape);
                node.Size = Narrow(die, die.Size);
                DescribeMembers(die, ref node, depth, ref children);
                break;
            case TypeShape.Enum:
                node.Name = die.Name;
                DescribeEnum(die, ref node, ref children);
                break;
            case TypeShape.Array:
                node.Kind = BtfKind.Array;
                node.Size = (uint)die.Size;
                node.Target = TargetOf(die, depth);
                break;
            case TypeShape.Prototype:
                node.Kind = BtfKind.FuncProto;
                node.Target = TargetOf(die, depth);
                DescribeParameters(die, depth, ref children);
                break;
            case TypeShape.Pointer:
                node.Kind = BtfKind.Ptr;
                node.Target = die.ChildCount == 0 ? TargetOf(die, depth) : TaggedTargetOf(die, depth);
                break;
            default:
                node.Kind = ReferenceKind(die.Shape);
                node.Name = die.Shape == TypeShape.Typedef ? die.Name : 0;
                node.Target = TargetOf(die, depth);
                break;
        }
        return node;
    }

    private static BtfKind ReferenceKind(TypeShape shape) => shape switch
    {
        TypeShape.Const => BtfKind.Const,
        TypeShape.Volatile => BtfKind.Volatile,
        TypeShape.Restrict => BtfKind.Restrict,
        _ => BtfKind.Typedef,
    };

    private ulong TargetOf(in TypeDie die, int depth) => die.TypeRef == 0 ? 0 : KeyOf(IndexAt(die.TypeRef), depth + 1);

    /// <summary>The first tag is the one next to what the pointer points to.</summary>
    private ulong TaggedTargetOf(in TypeDie die, int depth)
    {
        var target = TargetOf(die, depth);
        for (int i = die.FirstChild, left = die.ChildCount; left > 0; left--)
        {
            var tag = new TypeNode { Kind = BtfKind.TypeTag, Name = _dies.Children[i].Name, Target = target };
            List(Intern(tag, [], die.Offset, out target));
            i = _dies.Children[i].Next;
        }
        return target;
    }

    private uint Narrow(in TypeDie die, ulong size) => size <= uint.MaxValue ? (uint)size
        : throw new DwarfFormatException(".debug_info", die.Offset, size, "size does not fit 32 bits");

    private void DescribeBase(in TypeDie die, ref TypeNode node)
    {
        node.Name = die.Name;
        node.Kind = BtfKind.Int;
        node.Size = Narrow(die, die.Size);
        switch (die.Encoding)
        {
            case DwAte.Float when features.HasFlag(BtfFeatures.Float):
                node.Kind = BtfKind.Float;
                return;
            case DwAte.ComplexFloat or DwAte.ImaginaryFloat:
                throw new UnsupportedImageException($"base type with DW_ATE 0x{(byte)die.Encoding:x} at 0x{die.Offset:x}: BTF has no complex numbers");
            case DwAte.Signed or DwAte.SignedChar:
                node.Encoding = BtfIntEncoding.Signed;
                break;
            case DwAte.Boolean:
                node.Encoding = BtfIntEncoding.Bool;
                break;
        }
        if (node.Size is 1 or 2 or 4 or 8 or 16 && node.Name != 0)
            return;
        node.Size = 4;
        node.Name = names.Keep(UnrepresentableInt);
    }

    private void DescribeMembers<TSink>(in TypeDie die, ref TypeNode node, int depth, ref TSink children)
        where TSink : struct, IChildSink
    {
        for (int i = die.FirstChild, left = die.ChildCount; left > 0; left--)
        {
            ref readonly var member = ref _dies.Children[i];
            var key = member.TypeRef == 0 ? 0 : KeyOf(IndexAt(member.TypeRef), depth + 1);
            var offset = BitOffsetOf(member);
            if (offset > uint.MaxValue)
                throw new DwarfFormatException(".debug_info", die.Offset, offset, "member offset does not fit 32 bits");
            node.Flag |= member.BitSize != 0 || offset % 8 != 0;
            children.Add(new NodeChild(member.Name, key, (uint)offset, member.BitSize));
            i = member.Next;
        }
    }

    /// <summary>
    /// Offset of a member in bits from the start of its struct, as BTF counts: from the least significant bit of the first
    /// byte on little-endian machines, from the most significant on big-endian ones. DW_AT_bit_offset (DWARF 4 §5.5.6)
    /// counts from the most significant bit of the storage unit on both.
    /// </summary>
    private ulong BitOffsetOf(in ChildDie member)
    {
        if (member.HasDataBitOffset)
            return member.Value;
        var offset = member.Value * 8;
        if (member.BitSize == 0)
            return offset;
        var storageBits = 8 * (member.StorageSize != 0 ? member.StorageSize : SizeAt(member.TypeRef));
        var fromTop = (ulong)member.BitOffset;
        return _littleEndian ? offset + storageBits - fromTop - member.BitSize : offset + fromTop;
    }

    /// <summary>Signed enumerators are marked since there is ENUM64 (Linux 6.0).</summary>
    private void DescribeEnum<TSink>(in TypeDie die, ref TypeNode node, ref TSink children)
        where TSink : struct, IChildSink
    {
        node.Size = die.Size == 0 ? 4 : Narrow(die, die.Size);
        node.Kind = node.Size > 4 && features.HasFlag(BtfFeatures.Enum64) ? BtfKind.Enum64 : BtfKind.Enum;
        for (int i = die.FirstChild, left = die.ChildCount; left > 0; left--)
        {
            ref readonly var enumerator = ref _dies.Children[i];
            if (node.Kind == BtfKind.Enum && features.HasFlag(BtfFeatures.Enum64))
                node.Flag |= (long)enumerator.Value < 0;
            children.Add(new NodeChild(enumerator.Name, node.Kind == BtfKind.Enum ? (uint)enumerator.Value : enumerator.Value, 0, 0));
            i = enumerator.Next;
        }
        if (node.Kind == BtfKind.Enum64 && die.TypeRef != 0)
            node.Flag = _dies.Types[IndexAt(die.TypeRef)].Encoding is DwAte.Signed or DwAte.SignedChar;
    }

    private void DescribeParameters<TSink>(in TypeDie die, int depth, ref TSink children)
        where TSink : struct, IChildSink
    {
        for (int i = die.FirstChild, left = die.ChildCount; left > 0; left--)
        {
            ref readonly var parameter = ref _dies.Children[i];
            var key = parameter.TypeRef == 0 ? 0 : KeyOf(IndexAt(parameter.TypeRef), depth + 1);
            children.Add(new NodeChild(parameter.Name, key, 0, 0));
            i = parameter.Next;
        }
        if (die.Variadic)
            children.Add(default);
    }

    private int Intern(in TypeNode node, ReadOnlySpan<NodeChild> children, long seenAt, out ulong content)
    {
        var hash = default(ContentHash);
        foreach (ref readonly var child in children)
            hash.Add(child);
        content = hash.Of(node);
        var index = nodes.Find(content, seenAt);
        return index >= 0 ? index : nodes.Add(node with { Content = content, First = seenAt }, children);
    }

    /// <summary>Takes the members, enumerators or parameters of a type in order.</summary>
    private interface IChildSink
    {
        void Add(NodeChild child);
    }

    /// <summary>Hashes children as they come, then what they belong to.</summary>
    private struct ContentHash : IChildSink
    {
        private ulong _hash;
        private int _count;

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Add(NodeChild child)
        {
            _hash = Hash64.Mix(_hash ^ child.Name, child.Value + Hash64.Spread((ulong)child.BitOffset << 32 | child.BitSize));
            _count++;
        }

        public readonly ulong Of(in TypeNode node)
        {
            var shape = Hash64.Mix((ulong)node.Kind | (node.Flag ? 1UL << 8 : 0) | (ulong)node.Encoding << 16 | (ulong)node.Size << 32, node.Name);
            return Hash64.Mix(Hash64.Mix(shape, node.Target), _count == 0 ? 0 : _hash + Hash64.Spread((ulong)_count));
        }
    }

    private readonly struct ChildList(List<NodeChild> children) : IChildSink
    {
        public void Add(NodeChild child) => children.Add(child);
    }
}
