namespace Archive.Extractor.Dwarf;

/// <summary>
/// One pass over the DIEs of a unit that fills <see cref="UnitDies"/>. Types are taken wherever they stand, function bodies
/// included; nothing is resolved yet.
/// </summary>
internal sealed class UnitParser(DebugSections sections)
{
    private readonly DieAttributes _attributes = new();
    private readonly Stack<int> _owners = new();
    private UnitHeader _unit;

    /// <summary>Whose children are being read: 0 nobody's, n type n-1's, -n function n-1's.</summary>
    private int _owner;

    /// <returns>False where the unit is not one of C or assembler to be converted (Rust, skeletons); nothing else of it is read.</returns>
    public bool Parse(in UnitHeader unit, ReadOnlySpan<byte> bytes, UnitDies into)
    {
        _unit = unit;
        _owners.Clear();
        _owner = 0;
        into.Clear(unit.Length);
        var table = AbbrevTable.Parse(sections.Abbrev, unit, sections.Endian);
        var reader = new DwarfReader(bytes, ".debug_info", unit.Offset, sections.Endian) { Position = unit.HeaderSize };
        if (!ReadUnitDie(ref reader, table, into))
            return false;
        while (!reader.AtEnd)
        {
            var offset = (uint)reader.Position;
            var code = reader.Uleb();
            if (code == 0)
            {
                if (_owners.Count == 0)
                    break;
                _owner = _owners.Pop();
                continue;
            }
            if (!table.TryGet(code, out var abbrev))
                throw reader.Error("abbreviation code not in the unit's table", code);
            DieReader.Read(ref reader, abbrev, table, unit, _attributes);
            var inner = Take(offset, abbrev, bytes, into);
            if (!abbrev.HasChildren)
                continue;
            if (abbrev.Role == DieRole.Skip && SkipToSibling(ref reader))
                continue;
            _owners.Push(_owner);
            _owner = inner;
        }
        return true;
    }

    private bool ReadUnitDie(ref DwarfReader reader, AbbrevTable table, UnitDies into)
    {
        var code = reader.Uleb();
        if (code == 0)
            return false;
        if (!table.TryGet(code, out var abbrev))
            throw reader.Error("abbreviation code not in the unit's table", code);
        DieReader.Read(ref reader, abbrev, table, _unit, _attributes);
        if (abbrev.Tag == DwTag.PartialUnit)
            throw new UnsupportedImageException($"DW_TAG_partial_unit at 0x{_unit.Offset:x} (dwz output)");
        if (abbrev.Tag == DwTag.SkeletonUnit || _unit.Type == UnitType.Skeleton)
            throw new UnsupportedImageException($"skeleton unit at 0x{_unit.Offset:x} (split DWARF: the types are in .dwo files)");
        if (abbrev.Role != DieRole.Unit)
            throw reader.Error("the first DIE is no unit", (ulong)abbrev.Tag);
        into.Language = (ushort)_attributes.Constant(Slot.Language);
        into.Producer = new NameRef(_attributes.Value(Slot.Producer));
        return abbrev.HasChildren && into.Language != DwLang.Rust;
    }

    private bool SkipToSibling(ref DwarfReader reader)
    {
        var sibling = _attributes.Value(Slot.Sibling);
        if (sibling <= (ulong)reader.Position || sibling > (ulong)reader.Length)
            return false;
        reader.Position = (int)sibling;
        return true;
    }

    /// <summary>Takes the DIE that was just read, and says who owns its children.</summary>
    private int Take(uint offset, in Abbrev abbrev, ReadOnlySpan<byte> bytes, UnitDies into)
    {
        switch (abbrev.Role)
        {
            case DieRole.Type:
                return TakeType(offset, abbrev.Tag, into);
            case DieRole.Member when _owner > 0:
                TakeMember(bytes, into);
                return 0;
            case DieRole.Enumerator when _owner > 0:
                TakeEnumerator(into);
                return 0;
            case DieRole.Parameter when _owner < 0 || (_owner > 0 && into.Types[_owner - 1].Shape == TypeShape.Prototype):
                TakeParameter(offset, into);
                return 0;
            case DieRole.Subrange when _owner > 0:
                TakeSubrange(ref into.Types[_owner - 1]);
                return 0;
            case DieRole.UnspecifiedParameters when _owner > 0:
                into.Types[_owner - 1].Variadic = true;
                return 0;
            case DieRole.UnspecifiedParameters when _owner < 0:
                into.Functions[-_owner - 1].Variadic = true;
                return 0;
            case DieRole.Subprogram:
                return TakeFunction(offset, into);
            case DieRole.Variable when _owners.Count == 0:
                TakeVariable(offset, into);
                return 0;
            case DieRole.Import:
                throw new UnsupportedImageException($"DW_TAG_imported_unit at 0x{_unit.Offset + offset:x} (dwz output)");
            default:
                return 0;
        }
    }

    private int TakeType(uint offset, DwTag tag, UnitDies into)
    {
        ref var type = ref into.AddType();
        type.Offset = offset;
        type.Shape = ShapeOf(tag);
        type.Name = _attributes.Name;
        type.TypeRef = _attributes.Reference(Slot.Type);
        type.Size = type.Shape == TypeShape.Array ? 1 : _attributes.Constant(Slot.ByteSize);
        type.Declaration = _attributes.Flag(Slot.Declaration);
        type.Encoding = (DwAte)_attributes.Constant(Slot.Encoding);
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

    private void TakeMember(ReadOnlySpan<byte> bytes, UnitDies into)
    {
        ref var owner = ref into.Types[_owner - 1];
        if (owner.Shape is not (TypeShape.Struct or TypeShape.Union))
            return;
        ref var member = ref into.AddChild(ref owner.FirstChild, ref owner.LastChild, ref owner.ChildCount);
        member.Name = _attributes.Name;
        member.TypeRef = _attributes.Reference(Slot.Type);
        member.HasDataBitOffset = _attributes.Has(Slot.DataBitOffset);
        member.Value = member.HasDataBitOffset ? _attributes.Constant(Slot.DataBitOffset) : MemberLocation(bytes);
        member.BitSize = (uint)_attributes.Constant(Slot.BitSize);
        member.BitOffset = (uint)_attributes.Constant(Slot.BitOffset);
        member.StorageSize = (uint)_attributes.Constant(Slot.ByteSize);
    }

    /// <summary>A constant, or in DWARF 2 an expression that adds one to the address of the struct (DWARF 2 §5.5.3).</summary>
    private ulong MemberLocation(ReadOnlySpan<byte> bytes)
    {
        if (!_attributes.IsBlock(Slot.MemberLocation))
            return _attributes.Constant(Slot.MemberLocation);
        var (position, length) = _attributes.Block(Slot.MemberLocation);
        var reader = new DwarfReader(bytes.Slice(position, length), ".debug_info", _unit.Offset + position, sections.Endian);
        if (!reader.AtEnd && reader.U8() == DwOp.PlusUconst && reader.Uleb() is var offset && reader.AtEnd)
            return offset;
        throw new UnsupportedImageException($"DW_AT_data_member_location as an expression at 0x{_unit.Offset + position:x}");
    }

    private void TakeEnumerator(UnitDies into)
    {
        ref var owner = ref into.Types[_owner - 1];
        if (owner.Shape != TypeShape.Enum)
            return;
        ref var enumerator = ref into.AddChild(ref owner.FirstChild, ref owner.LastChild, ref owner.ChildCount);
        enumerator.Name = _attributes.Name;
        enumerator.Value = _attributes.Constant(Slot.ConstValue);
    }

    /// <summary>Several dimensions multiply into one count (as pahole flattens them); no bound is 0, and so is the product.</summary>
    private void TakeSubrange(ref TypeDie owner)
    {
        if (owner.Shape != TypeShape.Array)
            return;
        ulong count = 0;
        if (_attributes.Has(Slot.UpperBound))
            count = _attributes.IsBlock(Slot.UpperBound) || IsReference(Slot.UpperBound) ? 0 : _attributes.Constant(Slot.UpperBound) + 1;
        else if (_attributes.Has(Slot.Count))
            count = _attributes.Constant(Slot.Count);
        owner.Size = (uint)(owner.Size * count);
    }

    private bool IsReference(Slot slot) => _attributes.Form(slot) is DwForm.Ref1 or DwForm.Ref2 or DwForm.Ref4 or DwForm.Ref8 or DwForm.RefUdata or DwForm.RefAddr;

    private void TakeParameter(uint offset, UnitDies into)
    {
        ref var parameter = ref AddParameter(into);
        parameter.Offset = offset;
        parameter.Name = _attributes.Name;
        parameter.TypeRef = _attributes.Reference(Slot.Type);
        parameter.Value = _attributes.Reference(Slot.AbstractOrigin);
        parameter.IsConstant = _attributes.Has(Slot.ConstValue);
        parameter.HasLocation = _attributes.Has(Slot.Location);
        if (parameter.HasLocation)
        {
            parameter.LocationForm = _attributes.Form(Slot.Location);
            parameter.Location = _attributes.Value(Slot.Location);
        }
    }

    private ref ChildDie AddParameter(UnitDies into)
    {
        if (_owner > 0)
        {
            ref var type = ref into.Types[_owner - 1];
            return ref into.AddChild(ref type.FirstChild, ref type.LastChild, ref type.ChildCount);
        }
        ref var function = ref into.Functions[-_owner - 1];
        return ref into.AddChild(ref function.FirstChild, ref function.LastChild, ref function.ChildCount);
    }

    private int TakeFunction(uint offset, UnitDies into)
    {
        ref var function = ref into.AddFunction();
        function.Offset = offset;
        function.Declaration = _attributes.Has(Slot.Declaration);
        function.Name = _attributes.Name;
        function.TypeRef = _attributes.Reference(Slot.Type);
        function.Origin = _attributes.Has(Slot.AbstractOrigin)
            ? _attributes.Reference(Slot.AbstractOrigin)
            : _attributes.Reference(Slot.Specification);
        function.External = _attributes.Flag(Slot.External);
        function.Address = _attributes.Value(Slot.LowPc);
        return -into.FunctionCount;
    }

    private void TakeVariable(uint offset, UnitDies into)
    {
        if (_attributes.Has(Slot.Artificial))
            return;
        into.Variables.Add(new VariableDie(
            offset,
            _attributes.Name,
            _attributes.Reference(Slot.Type),
            _attributes.Reference(Slot.Specification),
            _attributes.Value(Slot.Location),
            _attributes.Has(Slot.External),
            _attributes.IsBlock(Slot.Location)));
    }
}
