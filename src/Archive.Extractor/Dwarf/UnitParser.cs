using System.Runtime.InteropServices;
using Archive.Extractor.Conversion;

namespace Archive.Extractor.Dwarf;

/// <summary>
/// One pass over the DIEs of a unit that fills <see cref="UnitDies"/>. Types are taken wherever they stand, function bodies
/// included; nothing is resolved yet. Types of other units that the unit refers to are then read one by one.
/// </summary>
internal sealed class UnitParser(DebugSections sections, NameReader names, FunctionSymbols symbols, BtfFeatures features)
{
    /// <summary>Deepest nesting of DIEs we follow; compilers write some 100.</summary>
    private const int MaxNesting = 1 << 16;

    /// <summary>
    /// Bytes of DIEs that are read for the sake of other units, for each byte of all units and at least. What dwz moved out of a
    /// unit was in it before: all units together read what they had, a few times what is left.
    /// </summary>
    private const int MaxForeignReads = 16;
    private const long AlwaysForeignBytes = 1 << 20;

    private readonly long _maxForeignBytes = MaxForeignReads * sections.Units.Sum(static unit => (long)unit.Length) + AlwaysForeignBytes;
    private long _foreignBytes;

    private readonly AbbrevTable _table = new();
    private readonly Field[] _scratch = new Field[(int)Slot.SlotCount];
    private readonly Dictionary<long, (UnitHeader Unit, AbbrevTable Table)> _foreignUnits = [];
    private readonly Dictionary<AbbrevTable.Identity, AbbrevTable> _foreignTables = [];
    private int[] _owners = new int[64];

    /// <summary>For each offset of <c>.debug_str</c> two bits: whether it was asked for as the name of a function, and whether the symbol table has that.</summary>
    private readonly ulong[] _wanted = new ulong[sections.Str.Length / 32 + 1];
    private const ulong Asked = 1, Wanted = 2;
    private int _depth;
    private byte[] _foreignBuffer = [];

    /// <summary>Offset of the unit that is in <see cref="_foreignBuffer"/>; -1 for none.</summary>
    private long _buffered = -1;

    /// <summary>Whose children are being read: 0 nobody's, n type n-1's, -n function n-1's.</summary>
    private int _owner;

    /// <summary>Owner and depth of what stands inside the member or parameter that was added last.</summary>
    private (int Owner, int Depth) _memberOf;

    /// <summary>Header of the unit that was parsed last, with the bases that its DIE states.</summary>
    public UnitHeader Unit { get; private set; }

    /// <returns>False where the unit is not one of C or assembler to be converted; nothing else of it is read.</returns>
    public bool Parse(in UnitHeader unit, ReadOnlySpan<byte> bytes, UnitDies into)
    {
        (_depth, _owner) = (0, 0);
        into.Clear(unit);
        _table.Load(sections.AbbrevOf(unit), unit, sections.Endian);
        Unit = unit;
        var reader = new DieReader(sections, _table, unit, bytes, _scratch);
        if (reader.AtEnd || !ReadUnitDie(ref reader, bytes, into))
            return false;
        ReadDies(ref reader, _table, bytes, into);
        if (_table.RefersAcrossUnits)
            ReadForeign(into);
        return true;
    }

    private bool ReadUnitDie(ref DieReader reader, ReadOnlySpan<byte> bytes, UnitDies into)
    {
        var index = reader.Next();
        if (index < 0)
            return false;
        ref readonly var abbrev = ref _table[index];
        if (abbrev.Tag == DwTag.SkeletonUnit || Unit.Type is UnitType.Skeleton)
            throw new UnsupportedImageException($"skeleton unit at 0x{Unit.Offset:x} (split DWARF: the types are in .dwo files)");
        if (abbrev.Role != DieRole.Unit)
            throw reader.Error("the first DIE is no unit", (ulong)abbrev.Tag);
        Unit = reader.WithBases();
        reader = new DieReader(sections, _table, Unit, bytes, _scratch);
        reader.Next();
        into.Language = (ushort)reader.Constant(Slot.Language);
        into.Producer = reader.Name(Slot.Producer);
        return abbrev.HasChildren && !DwLang.IsSkipped(into.Language);
    }

    /// <summary>Reads the children of the DIE before, down to the null entry that ends them.</summary>
    private void ReadDies(ref DieReader reader, AbbrevTable table, ReadOnlySpan<byte> bytes, UnitDies into)
    {
        var bottom = _depth;
        var start = (uint)Unit.Offset;
        while (!reader.AtEnd)
        {
            var offset = start + (uint)reader.Position;
            var index = reader.Next();
            if (index < 0)
            {
                if (_depth == bottom)
                    break;
                _owner = _owners[--_depth];
                continue;
            }
            ref readonly var abbrev = ref table[index];
            var inner = abbrev.Role == DieRole.Scope ? 0 : Take(offset, abbrev, reader, bytes, into);
            if (!abbrev.HasChildren || (abbrev.Role == DieRole.Skip && SkipToSibling(ref reader)))
                continue;
            if (_depth == _owners.Length)
                Array.Resize(ref _owners, _depth < MaxNesting ? _depth * 2 : throw reader.Error("DIEs nested too deep", MaxNesting));
            _owners[_depth++] = _owner;
            _owner = inner;
        }
    }

    private bool SkipToSibling(ref DieReader reader)
    {
        var sibling = reader.Reference(Slot.Sibling) - Unit.Offset;
        if (sibling <= reader.Position || sibling > reader.Length)
            return false;
        reader.Position = (int)sibling;
        return true;
    }

    /// <summary>Takes the DIE that was just read, and says who owns its children.</summary>
    private int Take(uint offset, in Abbrev abbrev, in DieReader die, ReadOnlySpan<byte> bytes, UnitDies into)
    {
        switch (abbrev.Role)
        {
            case DieRole.Type:
                return TakeType(offset, abbrev.Tag, die, into);
            case DieRole.Member when _owner > 0:
                TakeMember(die, bytes, into);
                return abbrev.HasChildren ? AnnotateMember() : 0;
            case DieRole.Enumerator when _owner > 0:
                TakeEnumerator(die, into);
                return 0;
            case DieRole.Parameter when _owner != 0:
                TakeParameter(offset, die, into);
                return abbrev.HasChildren ? AnnotateMember() : 0;
            case DieRole.Subrange when _owner > 0:
                TakeSubrange(die, ref into.Types[_owner - 1]);
                return 0;
            case DieRole.UnspecifiedParameters when _owner > 0:
                into.Types[_owner - 1].Variadic = true;
                return 0;
            case DieRole.UnspecifiedParameters when _owner < 0:
                into.Functions[-_owner - 1].Variadic = true;
                return 0;
            case DieRole.Subprogram:
                return TakeFunction(offset, die, into);
            case DieRole.Variable when _depth == 0:
                TakeVariable(offset, die, into);
                return 0;
            case DieRole.Annotation:
                TakeAnnotation(die, bytes, into);
                return 0;
            default:
                return 0;
        }
    }

    private int TakeType(uint offset, DwTag tag, in DieReader die, UnitDies into)
    {
        ref var type = ref into.AddType(offset);
        type.Shape = ShapeOf(tag);
        type.Name = names.IdentityOf(die.Name(Slot.Name), die);
        type.TypeRef = die.Reference(Slot.Type);
        type.Size = type.Shape == TypeShape.Array ? 1 : die.Constant(Slot.ByteSize);
        type.Declaration = die.Flag(Slot.Declaration);
        type.Encoding = (DwAte)die.Constant(Slot.Encoding);
        if (die.Has(Slot.Signature))
            (type.Shape, type.TypeRef) = (TypeShape.Transparent, die.Reference(Slot.Signature));
        return into.TypeCount;
    }

    private static TypeShape ShapeOf(DwTag tag) => tag switch
    {
        DwTag.BaseType => TypeShape.Base,
        DwTag.PointerType or DwTag.ReferenceType => TypeShape.Pointer,
        DwTag.ConstType => TypeShape.Const,
        DwTag.VolatileType => TypeShape.Volatile,
        DwTag.RestrictType => TypeShape.Restrict,
        DwTag.Typedef => TypeShape.Typedef,
        DwTag.AtomicType => TypeShape.Transparent,
        DwTag.ArrayType => TypeShape.Array,
        DwTag.StructureType or DwTag.ClassType => TypeShape.Struct,
        DwTag.UnionType => TypeShape.Union,
        DwTag.EnumerationType => TypeShape.Enum,
        DwTag.SubroutineType => TypeShape.Prototype,
        _ => TypeShape.Void,
    };

    private void TakeMember(in DieReader die, ReadOnlySpan<byte> bytes, UnitDies into)
    {
        if (into.Types[_owner - 1].Shape is not (TypeShape.Struct or TypeShape.Union))
            return;
        ref var member = ref into.AddChild(_owner - 1);
        member.Name = names.IdentityOf(die.Name(Slot.Name), die);
        member.TypeRef = die.Reference(Slot.Type);
        member.HasDataBitOffset = die.Has(Slot.DataBitOffset);
        member.Value = member.HasDataBitOffset ? die.Constant(Slot.DataBitOffset) : MemberLocation(die, bytes);
        if (!die.Has(Slot.BitSize))
            return;
        var bits = die.Constant(Slot.BitSize);
        member.BitSize = bits <= byte.MaxValue ? (byte)bits : throw die.Error("bitfield wider than 255 bits", bits);
        member.BitOffset = (short)die.Constant(Slot.BitOffset);
        member.StorageSize = (ushort)die.Constant(Slot.ByteSize);
    }

    /// <summary>A constant, or in DWARF 2 an expression that adds one to the address of the struct (DWARF 2 §5.5.3).</summary>
    private ulong MemberLocation(in DieReader die, ReadOnlySpan<byte> bytes)
    {
        if (!die.IsBlock(Slot.MemberLocation))
            return die.Constant(Slot.MemberLocation);
        var (position, length) = die.Block(Slot.MemberLocation);
        var reader = new DwarfReader(bytes.Slice(position, length), ".debug_info", Unit.Offset + position, sections.Endian);
        if (!reader.AtEnd && reader.U8() == DwOp.PlusUconst && reader.Uleb() is var offset && reader.AtEnd)
            return offset;
        throw new UnsupportedImageException($"DW_AT_data_member_location as an expression at 0x{Unit.Offset + position:x}");
    }

    private void TakeEnumerator(in DieReader die, UnitDies into)
    {
        if (into.Types[_owner - 1].Shape != TypeShape.Enum)
            return;
        ref var enumerator = ref into.AddChild(_owner - 1);
        enumerator.Name = names.IdentityOf(die.Name(Slot.Name), die);
        enumerator.Value = die.Constant(Slot.ConstValue);
    }

    /// <summary>Several dimensions multiply into one count (as pahole flattens them); no bound is 0, and so is the product.</summary>
    private static void TakeSubrange(in DieReader die, ref TypeDie owner)
    {
        if (owner.Shape != TypeShape.Array)
            return;
        ulong count = 0;
        if (die.Has(Slot.UpperBound))
            count = die.IsBlock(Slot.UpperBound) || die.IsReference(Slot.UpperBound) ? 0 : die.Constant(Slot.UpperBound) + 1;
        else if (die.Has(Slot.Count))
            count = die.IsBlock(Slot.Count) || die.IsReference(Slot.Count) ? 0 : die.Constant(Slot.Count);
        owner.Size = (uint)(owner.Size * count);
    }

    private void TakeParameter(uint offset, in DieReader die, UnitDies into)
    {
        if (_owner > 0)
        {
            if (into.Types[_owner - 1].Shape != TypeShape.Prototype)
                return;
            ref var argument = ref into.AddChild(_owner - 1);
            argument.Name = names.IdentityOf(die.Name(Slot.Name), die);
            argument.TypeRef = die.Reference(Slot.Type);
            return;
        }
        ref var parameter = ref into.AddParameter(-_owner - 1);
        parameter.Offset = offset;
        parameter.Name = names.IdentityOf(die.Name(Slot.Name), die);
        parameter.TypeRef = die.Reference(Slot.Type);
        parameter.Origin = die.Reference(Slot.AbstractOrigin);
        parameter.IsConstant = die.Has(Slot.ConstValue);
        parameter.HasLocation = die.Has(Slot.Location);
        if (!parameter.HasLocation)
            return;
        parameter.LocationForm = die.Form(Slot.Location);
        if (!die.IsBlock(Slot.Location))
        {
            parameter.Location = die.Address(Slot.Location);
            return;
        }
        var (position, length) = die.Block(Slot.Location);
        parameter.Location = (ulong)position << 32 | (uint)length;
    }

    /// <summary>A function of a name that the symbol table does not have (most of those in headers) is of no use, nor are its parameters.</summary>
    private int TakeFunction(uint offset, in DieReader die, UnitDies into)
    {
        if (!IsWanted(die.Name(Slot.Name), die, out var name))
            return 0;
        ref var function = ref into.AddFunction(offset);
        function.Declaration = die.Has(Slot.Declaration);
        function.Name = name;
        function.TypeRef = die.Reference(Slot.Type);
        function.Origin = die.Has(Slot.AbstractOrigin) ? die.Reference(Slot.AbstractOrigin) : die.Reference(Slot.Specification);
        function.External = die.Flag(Slot.External);
        function.Address = die.Address(Slot.LowPc);
        function.Inline = (byte)die.Constant(Slot.Inline);
        function.DeclFile = (ushort)die.Constant(Slot.DeclFile);
        return -into.FunctionCount;
    }

    /// <summary>The symbol table has a function of this name, or the name stands elsewhere. One name in a header is asked for in hundreds of units.</summary>
    private bool IsWanted(NameRef name, in DieReader die, out ulong hash)
    {
        hash = 0;
        if (name.IsNone)
            return true;
        if (name.Section != NameRef.DebugStr || name.Offset >= (ulong)sections.Str.Length)
            return Knows(hash = names.HashOf(name, die));
        ref var word = ref _wanted[name.Offset / 32];
        var shift = (int)(name.Offset % 32) * 2;
        if ((word >> shift & (Asked | Wanted)) == Asked)
            return false;
        hash = names.HashOf(name, die);
        if ((word >> shift & Asked) == 0)
            word |= (Knows(hash) ? Asked | Wanted : Asked) << shift;
        return (word >> shift & Wanted) != 0;

        bool Knows(ulong hash) => hash == 0 || symbols.Contains(hash);
    }

    private static void TakeVariable(uint offset, in DieReader die, UnitDies into)
    {
        if (die.Has(Slot.Artificial))
            return;
        var (position, length) = die.IsBlock(Slot.Location) ? die.Block(Slot.Location) : default;
        into.Variables.Add(new VariableDie(
            offset,
            die.Name(Slot.Name),
            die.Reference(Slot.Type),
            die.Reference(Slot.Specification),
            position,
            length,
            die.Has(Slot.External)));
    }

    /// <summary>
    /// clang's tags stand as children of what they are written on. Those of a pointer (btf_type_tag) become children of it:
    /// BTF puts them between the pointer and what it points to. The others (btf_decl_tag) are of a type or a member.
    /// </summary>
    private void TakeAnnotation(in DieReader die, ReadOnlySpan<byte> bytes, UnitDies into)
    {
        if (_owner == 0)
            return;
        var kind = names.TextOf(die.Name(Slot.Name), bytes, Unit.Offset);
        if (kind.SequenceEqual("btf_type_tag"u8))
        {
            if (_owner > 0 && into.Types[_owner - 1].Shape == TypeShape.Pointer && features.HasFlag(BtfFeatures.TypeTag))
                into.AddChild(_owner - 1).Name = names.IdentityOf(die.Name(Slot.ConstValue), die);
        }
        else if (kind.SequenceEqual("btf_decl_tag"u8) && features.HasFlag(BtfFeatures.DeclTag))
        {
            var count = _owner > 0 ? into.Types[_owner - 1].ChildCount : into.Functions[-_owner - 1].ChildCount;
            var component = _memberOf == (_owner, _depth) ? count - 1 : -1;
            into.DeclTags.Add(new DeclTagDie(_owner, component, names.HashOf(die.Name(Slot.ConstValue), die)));
        }
    }

    /// <summary>What stands in the member that was just added is taken with its owner.</summary>
    private int AnnotateMember()
    {
        _memberOf = (_owner, _depth + 1);
        return _owner;
    }

    /// <summary>
    /// Reads the types of other units that this one refers to, and the types that those refer to: each DIE with its children,
    /// not its unit. Its names mean what they mean there; where that differs from here, the encoder tells them apart.
    /// </summary>
    private void ReadForeign(UnitDies into)
    {
        var own = Unit;
        into.EndOwn();
        int types = 0, children = 0, parameters = 0, functions = 0, variables = 0;
        while (types < into.TypeCount || children < into.ChildCount || parameters < into.ParameterCount || functions < into.FunctionCount || variables < into.Variables.Count)
        {
            for (; types < into.TypeCount; types++)
                ReadForeignType(into.Types[types].TypeRef, into);
            for (; children < into.ChildCount; children++)
                ReadForeignType(into.Children[children].TypeRef, into);
            for (; parameters < into.ParameterCount; parameters++)
                ReadForeignType(into.Parameters[parameters].TypeRef, into);
            for (; functions < into.FunctionCount; functions++)
                ReadForeignFunction(into.Functions[functions], into);
            for (; variables < into.Variables.Count; variables++)
                ReadForeignType(into.Variables[variables].TypeRef, into);
        }
        Unit = own;
    }

    private void ReadForeignType(uint offset, UnitDies into)
    {
        if (offset != 0 && !into.IsOwn(offset) && into.FindType(offset) < 0)
            ReadForeignDie(offset, into);
    }

    /// <summary>The origin of an instance inlined or cloned from another unit (LTO) has its name, type and parameters.</summary>
    private void ReadForeignFunction(FunctionDie function, UnitDies into)
    {
        ReadForeignType(function.TypeRef, into);
        if (function.Origin != 0 && !into.IsOwn(function.Origin) && into.FindFunction(function.Origin) < 0)
            ReadForeignDie(function.Origin, into);
    }

    private void ReadForeignDie(uint offset, UnitDies into)
    {
        var (unit, table) = ForeignUnit(offset);
        Unit = unit;
        var bytes = ForeignBytes(unit);
        var reader = new DieReader(sections, table, unit, bytes, _scratch) { Position = (int)(offset - unit.Offset) };
        var index = reader.Next();
        if (index < 0)
            throw reader.Error("reference to no DIE", offset);
        ref readonly var abbrev = ref table[index];
        (_depth, _owner) = (1, 0);
        _owner = Take(offset, abbrev, reader, bytes, into);
        if (abbrev.HasChildren && _owner != 0)
            ReadDies(ref reader, table, bytes, into);
        _foreignBytes += reader.Position - (offset - unit.Offset);
        if (_foreignBytes > _maxForeignBytes)
            throw reader.Error($"units refer to each other such that they would be read more than {MaxForeignReads} times", (ulong)_foreignBytes);
    }

    /// <summary>One unit is mostly asked for many DIEs in a row: the buffer keeps it.</summary>
    private ReadOnlySpan<byte> ForeignBytes(in UnitHeader unit)
    {
        if (_buffered == unit.Offset)
            return _foreignBuffer.AsSpan(0, unit.Length);
        _buffered = -1;
        var bytes = sections.Read(unit, ref _foreignBuffer);
        if (bytes.Overlaps(_foreignBuffer))
            _buffered = unit.Offset;
        return bytes;
    }

    private (UnitHeader Unit, AbbrevTable Table) ForeignUnit(uint offset)
    {
        var unit = sections.UnitAt(offset);
        if (_foreignUnits.TryGetValue(unit.Offset, out var known))
            return known;
        ref var table = ref CollectionsMarshal.GetValueRefOrAddDefault(_foreignTables, AbbrevTable.Identity.Of(unit), out _);
        table ??= AbbrevTable.Parse(sections.AbbrevOf(unit), unit, sections.Endian);
        var bytes = ForeignBytes(unit);
        var reader = new DieReader(sections, table, unit, bytes, _scratch);
        if (!reader.AtEnd && reader.Next() >= 0)
            unit = reader.WithBases();
        return _foreignUnits[unit.Offset] = (unit, table);
    }
}
