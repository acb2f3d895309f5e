using Archive.Extractor.Dwarf;
using Btf.Format;

namespace Archive.Extractor.Conversion;

/// <summary>
/// Turns the type DIEs of one unit into nodes of a <see cref="NodeTable"/>. A node is hashed by content, with references by
/// key: a struct, union or enum with a name counts by kind and name only, so that recursion ends there and a forward declaration
/// equals its definition. What such a name means is settled for the whole image by <see cref="NameResolution"/>.
/// </summary>
internal sealed class UnitEncoder(NodeTable nodes)
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
    private ulong[] _names = [];
    private int[] _nodeOf = [];
    private NodeChild[] _scratch = new NodeChild[256];
    private int _scratchCount;
    private UnitDies _dies = null!;
    private UnitHeader _unit;
    private bool _littleEndian;

    /// <summary>Encodes every type of the unit. Afterwards <see cref="KeyAt"/> and <see cref="NodeOf"/> answer.</summary>
    public void Encode(UnitDies dies, in UnitHeader unit, in UnitNames names, bool littleEndian)
    {
        Begin(dies, unit, littleEndian);
        NameTagged(names);
        for (var i = 0; i < dies.TypeCount; i++)
            _nodeOf[i] = EncodeType(i, names, 0);
    }

    /// <summary>Index in the node table of a type DIE's node; -1 for one that stands for void or another type.</summary>
    public int NodeOf(int type) => _nodeOf[type];

    /// <summary>Key of the type at an offset of the unit; 0 for void.</summary>
    public ulong KeyAt(uint offset, in UnitNames names) => offset == 0 ? 0 : KeyOf(IndexAt(offset), names, 0);

    /// <summary>Size in bytes of the type at an offset of the unit, through typedefs, modifiers and arrays; 0 where it has none.</summary>
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

    /// <summary>Adds the prototype with these parameters (name and key), and returns the index of its node.</summary>
    public int AddPrototype(ulong returned, ReadOnlySpan<NodeChild> parameters, long seenAt)
    {
        var node = new TypeNode { Kind = BtfKind.FuncProto, Target = returned };
        return Intern(node, parameters, seenAt);
    }

    private void Begin(UnitDies dies, in UnitHeader unit, bool littleEndian)
    {
        (_dies, _unit, _littleEndian, _scratchCount) = (dies, unit, littleEndian, 0);
        dies.IndexTypes();
        if (_state.Length < dies.TypeCount)
        {
            var size = Math.Max(dies.TypeCount, _state.Length * 2);
            (_state, _keys, _names, _nodeOf) = (new byte[size], new ulong[size], new ulong[size], new int[size]);
        }
        Array.Clear(_state, 0, dies.TypeCount);
        Array.Clear(_keys, 0, dies.TypeCount);
    }

    /// <summary>
    /// Gives every struct, union and enum with a name its key. Where one unit defines a name twice (in two functions, say) the name
    /// does not tell them apart, and each definition that differs gets a key of its own.
    /// </summary>
    private void NameTagged(in UnitNames names)
    {
        _definitions.Clear();
        _conflicts.Clear();
        for (var i = 0; i < _dies.TypeCount; i++)
        {
            ref readonly var die = ref _dies.Types[i];
            _names[i] = names.HashOf(die.Name);
            if (!IsTagged(i))
                continue;
            _keys[i] = TypeNode.TagKey(KindOf(die.Shape), flag: false, _names[i]);
            if (!die.Declaration && !_definitions.TryAdd(_keys[i], i))
                _conflicts.Add(_keys[i]);
        }
        if (_conflicts.Count > 0)
            SeparateConflicts(names);
    }

    private void SeparateConflicts(in UnitNames names)
    {
        var contents = new Dictionary<ulong, (ulong First, bool Differ)>();
        var own = new List<(int Type, ulong Content)>();
        for (var i = 0; i < _dies.TypeCount; i++)
        {
            if (!IsTagged(i) || _dies.Types[i].Declaration || !_conflicts.Contains(_keys[i]))
                continue;
            var content = HashOf(Describe(i, names, 0, out var start), start);
            _scratchCount = start;
            own.Add((i, content));
            contents[_keys[i]] = contents.TryGetValue(_keys[i], out var seen) ? (seen.First, seen.Differ || seen.First != content) : (content, false);
        }
        foreach (var (type, content) in own)
        {
            if (contents[_keys[type]].Differ)
                _keys[type] = Hash64.Mix(_keys[type], content);
        }

        // What was encoded on the way referred to these types by name.
        Array.Clear(_state, 0, _dies.TypeCount);
    }

    private static BtfKind KindOf(TypeShape shape) => shape switch
    {
        TypeShape.Union => BtfKind.Union,
        TypeShape.Enum => BtfKind.Enum,
        _ => BtfKind.Struct,
    };

    private bool IsTagged(int type) => _names[type] != 0 && _dies.Types[type].Shape is TypeShape.Struct or TypeShape.Union or TypeShape.Enum;

    private int IndexAt(uint offset)
    {
        var index = _dies.FindType(offset);
        return index >= 0 ? index : throw new DwarfFormatException(".debug_info", _unit.Offset + offset, null, "reference to something that is no type");
    }

    private ulong KeyOf(int type, in UnitNames names, int depth)
    {
        ref readonly var die = ref _dies.Types[type];
        switch (die.Shape)
        {
            case TypeShape.Void:
                return 0;
            case TypeShape.Transparent:
                if (depth > MaxDepth)
                    throw TooDeep(die);
                return die.TypeRef == 0 ? 0 : KeyOf(IndexAt(die.TypeRef), names, depth + 1);
            default:
                if (IsTagged(type) || IsNamelessDeclaration(type))
                    return _keys[type];
                _nodeOf[type] = EncodeType(type, names, depth);
                return _keys[type];
        }
    }

    private DwarfFormatException TooDeep(in TypeDie die) =>
        new(".debug_info", _unit.Offset + die.Offset, MaxDepth, "types nested too deep, or in a cycle without a named struct");

    private int EncodeType(int type, in UnitNames names, int depth)
    {
        ref readonly var die = ref _dies.Types[type];
        if (die.Shape is TypeShape.Void or TypeShape.Transparent || IsNamelessDeclaration(type))
            return -1;
        if (_state[type] == Done)
            return _nodeOf[type];
        if (_state[type] == InProgress || depth > MaxDepth)
            throw TooDeep(die);
        _state[type] = InProgress;
        var node = Describe(type, names, depth, out var start);
        var index = Intern(node, _scratch.AsSpan(start, _scratchCount - start), _unit.Offset + die.Offset);
        KeepNames(die, nodes.Nodes[index], names);
        _scratchCount = start;
        SetKey(type, nodes.Nodes[index]);
        _state[type] = Done;
        return index;
    }

    /// <summary>A struct that is declared without a name can only be referred to as void.</summary>
    private bool IsNamelessDeclaration(int type)
    {
        ref readonly var die = ref _dies.Types[type];
        return die.Declaration && _names[type] == 0 && die.Shape is TypeShape.Struct or TypeShape.Union;
    }

    private void SetKey(int type, in TypeNode node)
    {
        if (!node.IsTagged)
            _keys[type] = node.Content;
        else if (_keys[type] != node.Key)
            nodes.PrivateKeys.TryAdd(_keys[type], node.Content);
    }

    /// <summary>The node of a type, its children on the scratch stack from <paramref name="start"/> on.</summary>
    private TypeNode Describe(int type, in UnitNames names, int depth, out int start)
    {
        ref readonly var die = ref _dies.Types[type];
        start = _scratchCount;
        var node = new TypeNode { Name = _names[type] };
        switch (die.Shape)
        {
            case TypeShape.Base:
                DescribeBase(die, ref node);
                break;
            case TypeShape.Struct or TypeShape.Union when die.Declaration:
                node.Kind = BtfKind.Fwd;
                node.Flag = die.Shape == TypeShape.Union;
                break;
            case TypeShape.Struct or TypeShape.Union:
                node.Kind = KindOf(die.Shape);
                node.Size = Narrow(die, die.Size);
                DescribeMembers(die, ref node, names, depth);
                break;
            case TypeShape.Enum:
                DescribeEnum(die, ref node, names);
                break;
            case TypeShape.Array:
                node.Kind = BtfKind.Array;
                node.Size = (uint)die.Size;
                node.Name = 0;
                node.Target = TargetOf(die, names, depth);
                break;
            case TypeShape.Prototype:
                node.Kind = BtfKind.FuncProto;
                node.Name = 0;
                node.Target = TargetOf(die, names, depth);
                DescribeParameters(die, names, depth);
                break;
            default:
                node.Kind = ReferenceKind(die.Shape);
                if (die.Shape != TypeShape.Typedef)
                    node.Name = 0;
                node.Target = TargetOf(die, names, depth);
                break;
        }
        return node;
    }

    private static BtfKind ReferenceKind(TypeShape shape) => shape switch
    {
        TypeShape.Pointer => BtfKind.Ptr,
        TypeShape.Const => BtfKind.Const,
        TypeShape.Volatile => BtfKind.Volatile,
        TypeShape.Restrict => BtfKind.Restrict,
        _ => BtfKind.Typedef,
    };

    private ulong TargetOf(in TypeDie die, in UnitNames names, int depth) =>
        die.TypeRef == 0 ? 0 : KeyOf(IndexAt(die.TypeRef), names, depth + 1);

    private uint Narrow(in TypeDie die, ulong size) => size <= uint.MaxValue ? (uint)size
        : throw new DwarfFormatException(".debug_info", _unit.Offset + die.Offset, size, "size does not fit 32 bits");

    private void DescribeBase(in TypeDie die, ref TypeNode node)
    {
        node.Kind = BtfKind.Int;
        node.Size = Narrow(die, die.Size);
        switch (die.Encoding)
        {
            case DwAte.Float:
                node.Kind = BtfKind.Float;
                return;
            case DwAte.ComplexFloat or DwAte.ImaginaryFloat:
                throw new UnsupportedImageException($"base type with DW_ATE 0x{(byte)die.Encoding:x} at 0x{_unit.Offset + die.Offset:x}: BTF has no complex numbers");
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
        node.Name = Keep(UnrepresentableInt);
    }

    private void DescribeMembers(in TypeDie die, ref TypeNode node, in UnitNames names, int depth)
    {
        for (int i = die.FirstChild, left = die.ChildCount; left > 0; left--)
        {
            ref readonly var member = ref _dies.Children[i];
            var key = member.TypeRef == 0 ? 0 : KeyOf(IndexAt(member.TypeRef), names, depth + 1);
            var offset = BitOffsetOf(_dies.Children[i]);
            if (offset > uint.MaxValue)
                throw new DwarfFormatException(".debug_info", _unit.Offset + die.Offset, offset, "member offset does not fit 32 bits");
            if (member.BitSize > 255)
                throw new DwarfFormatException(".debug_info", _unit.Offset + die.Offset, member.BitSize, "bitfield wider than 255 bits");
            node.Flag |= member.BitSize != 0 || offset % 8 != 0;
            Push(new NodeChild(names.HashOf(member.Name), key, (uint)offset, member.BitSize));
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
        var fromTop = (ulong)(int)member.BitOffset;
        return _littleEndian ? offset + storageBits - fromTop - member.BitSize : offset + fromTop;
    }

    private void DescribeEnum(in TypeDie die, ref TypeNode node, in UnitNames names)
    {
        node.Size = die.Size == 0 ? 4 : Narrow(die, die.Size);
        node.Kind = node.Size > 4 ? BtfKind.Enum64 : BtfKind.Enum;
        for (int i = die.FirstChild, left = die.ChildCount; left > 0; left--)
        {
            ref readonly var enumerator = ref _dies.Children[i];
            if (node.Kind == BtfKind.Enum)
                node.Flag |= (long)enumerator.Value < 0;
            Push(new NodeChild(names.HashOf(enumerator.Name), enumerator.Value, 0, 0));
            i = enumerator.Next;
        }
        if (node.Kind == BtfKind.Enum64 && die.TypeRef != 0)
            node.Flag = _dies.Types[IndexAt(die.TypeRef)].Encoding is DwAte.Signed or DwAte.SignedChar;
    }

    private void DescribeParameters(in TypeDie die, in UnitNames names, int depth)
    {
        for (int i = die.FirstChild, left = die.ChildCount; left > 0; left--)
        {
            var parameter = _dies.Children[i];
            var key = parameter.TypeRef == 0 ? 0 : KeyOf(IndexAt(parameter.TypeRef), names, depth + 1);
            Push(new NodeChild(names.HashOf(parameter.Name), key, 0, 0));
            i = parameter.Next;
        }
        if (die.Variadic)
            Push(default);
    }

    private void Push(NodeChild child)
    {
        if (_scratchCount == _scratch.Length)
            Array.Resize(ref _scratch, _scratchCount * 2);
        _scratch[_scratchCount++] = child;
    }

    private int Intern(TypeNode node, ReadOnlySpan<NodeChild> children, long seenAt)
    {
        node.Content = HashOf(node, children);
        var index = nodes.Find(node.Content, seenAt);
        if (index >= 0)
            return index;
        node.First = seenAt;
        return nodes.Add(node, children);
    }

    private ulong HashOf(in TypeNode node, int start) => HashOf(node, _scratch.AsSpan(start, _scratchCount - start));

    private static ulong HashOf(in TypeNode node, ReadOnlySpan<NodeChild> children)
    {
        var hash = Hash64.Mix((ulong)node.Kind | (node.Flag ? 1UL << 8 : 0) | (ulong)node.Encoding << 16 | (ulong)node.Size << 32, node.Name);
        hash = Hash64.Mix(hash, node.Target);
        foreach (ref readonly var child in children)
        {
            hash = Hash64.Mix(hash ^ child.Name, child.Value);
            hash = Hash64.Mix(hash, (ulong)child.BitOffset << 32 | child.BitSize);
        }
        return Hash64.Mix(hash, (ulong)children.Length);
    }

    /// <summary>Keeps the text of the names of a new node: afterwards the bytes of the unit are gone.</summary>
    private void KeepNames(in TypeDie die, in TypeNode node, in UnitNames names)
    {
        if (node.First != _unit.Offset + die.Offset)
            return;
        Keep(names.TextOf(die.Name));
        for (int i = die.FirstChild, left = die.ChildCount; left > 0; left--)
        {
            Keep(names.TextOf(_dies.Children[i].Name));
            i = _dies.Children[i].Next;
        }
    }

    /// <summary>Keeps the text of a name, and returns its hash; 0 for the empty one.</summary>
    public ulong Keep(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
            return 0;
        var hash = Hash64.Of(text);
        if (!nodes.Names.ContainsKey(hash))
            nodes.Names.Add(hash, text.ToArray());
        return hash;
    }
}
