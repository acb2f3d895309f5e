namespace Archive.Extractor.Dwarf;

/// <summary>What a type DIE becomes.</summary>
internal enum TypeShape : byte
{
    Void,
    Base,
    Pointer,
    Const,
    Volatile,
    Restrict,
    Typedef,

    /// <summary>Stands for the type it refers to: DW_TAG_atomic_type has no kind in BTF, and a type with a signature is that of its type unit.</summary>
    Transparent,
    Array,
    Struct,
    Union,
    Enum,
    Prototype,
}

/// <summary>One type DIE. Children are a linked list in <see cref="UnitDies.Children"/>, since nested types may stand between them.</summary>
internal struct TypeDie
{
    /// <summary>Identity of the name; 0 for none.</summary>
    public ulong Name;

    /// <summary>DW_AT_byte_size; the number of elements of an array.</summary>
    public ulong Size;

    /// <summary>In the space of all units.</summary>
    public uint Offset;

    /// <summary>Offset of the type referred to; 0 for void.</summary>
    public uint TypeRef;
    public int FirstChild;
    public int LastChild;
    public int ChildCount;
    public TypeShape Shape;
    public bool Declaration;
    public DwAte Encoding;

    /// <summary>Has unspecified parameters (variadic).</summary>
    public bool Variadic;

    /// <summary>A struct, union or enum with a name: it is referred to by that name.</summary>
    public readonly bool IsTagged => Name != 0 && Shape is TypeShape.Struct or TypeShape.Union or TypeShape.Enum;
}

/// <summary>A member, enumerator, or parameter of a function type.</summary>
internal struct ChildDie
{
    /// <summary>Identity of the name; 0 for none.</summary>
    public ulong Name;

    /// <summary>Enumerator: the value. Member: byte offset, or bit offset where <see cref="HasDataBitOffset"/>.</summary>
    public ulong Value;

    /// <summary>Offset of the type DIE; 0 for void.</summary>
    public uint TypeRef;

    /// <summary>Index of the next child of the same parent; meaningless for the last.</summary>
    public int Next;

    /// <summary>Member: DW_AT_bit_size, 0 for none.</summary>
    public byte BitSize;
    public bool HasDataBitOffset;

    /// <summary>Member: DW_AT_bit_offset (DWARF 2 to 4), counted from the most significant bit of the storage unit; negative where the field reaches past it.</summary>
    public short BitOffset;

    /// <summary>Member: DW_AT_byte_size of the storage unit, 0 for that of the type.</summary>
    public ushort StorageSize;
}

/// <summary>A parameter of a subprogram.</summary>
internal struct ParameterDie
{
    /// <summary>Identity of the name; 0 for none.</summary>
    public ulong Name;

    /// <summary>DW_AT_location: position (high half) and length of an expression in the unit, or what its form says.</summary>
    public ulong Location;

    /// <summary>In the space of all units, so that a concrete parameter can be found from its origin.</summary>
    public uint Offset;
    public uint TypeRef;

    /// <summary>Offset of its DW_AT_abstract_origin; 0 for none.</summary>
    public uint Origin;
    public int Next;

    /// <summary>Of <see cref="Location"/>.</summary>
    public DwForm LocationForm;

    /// <summary>It has DW_AT_const_value.</summary>
    public bool IsConstant;

    /// <summary>It has a location, here or in a concrete instance that refers to it.</summary>
    public bool HasLocation;

    /// <summary>The register it is in at the entry of the function, plus one; 0 where unknown.</summary>
    public byte EntryRegister;
}

/// <summary>A subprogram DIE.</summary>
internal struct FunctionDie
{
    /// <summary>Hash of the text of the name; 0 for none.</summary>
    public ulong Name;

    /// <summary>DW_AT_low_pc; 0 for none.</summary>
    public ulong Address;

    /// <summary>In the space of all units.</summary>
    public uint Offset;
    public uint TypeRef;

    /// <summary>Offset of the DIE that DW_AT_abstract_origin or DW_AT_specification names; 0 for none.</summary>
    public uint Origin;
    public int FirstChild;
    public int LastChild;
    public int ChildCount;
    public bool Declaration;
    public bool External;
    public bool Variadic;

    /// <summary>DW_AT_inline, DWARF 5 §3.3.8.1: 1 and 3 are inlined.</summary>
    public byte Inline;

    /// <summary>DW_AT_decl_file: number in the unit's line table; 0 for none.</summary>
    public ushort DeclFile;
}

/// <summary>A variable at file level.</summary>
/// <param name="Position">Of the expression in DW_AT_location, in the unit.</param>
/// <param name="Length">Of it; 0 where there is none.</param>
internal readonly record struct VariableDie(uint Offset, NameRef Name, uint TypeRef, uint Specification, int Position, int Length, bool External);

/// <summary>A btf_decl_tag.</summary>
/// <param name="Owner">n for type n-1, -n for function n-1.</param>
/// <param name="Component">Number of the member or parameter that it stands on; -1 for the type or function itself.</param>
/// <param name="Tag">Hash of its text.</param>
internal readonly record struct DeclTagDie(int Owner, int Component, ulong Tag);

/// <summary>The DIEs of one unit that the converter needs, as flat arrays that a worker reuses from unit to unit.</summary>
internal sealed class UnitDies
{
    public TypeDie[] Types = new TypeDie[1024];
    public ChildDie[] Children = new ChildDie[4096];
    public FunctionDie[] Functions = new FunctionDie[256];
    public ParameterDie[] Parameters = new ParameterDie[1024];
    public readonly List<VariableDie> Variables = [];
    public readonly List<DeclTagDie> DeclTags = [];
    public int TypeCount;
    public int FunctionCount;

    /// <summary>Functions of the unit itself; those of other units stand behind.</summary>
    public int OwnFunctionCount => _ownFunctions >= 0 ? _ownFunctions : FunctionCount;

    private int _ownFunctions;

    /// <summary>
    /// For each byte of the unit the index of the type DIE that starts there. Entries of earlier units stay: an index counts
    /// only where the type it names has that offset.
    /// </summary>
    private int[] _typeAt = [];

    /// <summary>Offsets of the types, apart from the rest of them since every reference looks here.</summary>
    private uint[] _offsets = new uint[1024];
    private uint _start;
    private uint _length;

    /// <summary>Types of other units that this one refers to, by offset.</summary>
    private readonly Dictionary<uint, int> _foreign = [];
    private readonly Dictionary<uint, int> _foreignFunctions = [];

    public int ChildCount { get; private set; }

    public int ParameterCount { get; private set; }

    public ushort Language { get; set; }

    public NameRef Producer { get; set; }

    public void Clear(in UnitHeader unit)
    {
        TypeCount = FunctionCount = ChildCount = ParameterCount = 0;
        Variables.Clear();
        DeclTags.Clear();
        _foreign.Clear();
        _foreignFunctions.Clear();
        _ownFunctions = -1;
        Language = 0;
        Producer = default;
        (_start, _length) = ((uint)unit.Offset, (uint)unit.Length);
        if (_typeAt.Length < unit.Length)
            _typeAt = new int[Math.Max(unit.Length, (int)Math.Min(_typeAt.Length * 2L, UnitHeader.MaxUnitLength))];
    }

    public bool IsOwn(uint offset) => offset - _start < _length;

    public ref TypeDie AddType(uint offset)
    {
        if (TypeCount == Types.Length)
        {
            Array.Resize(ref Types, TypeCount * 2);
            Array.Resize(ref _offsets, TypeCount * 2);
        }
        _offsets[TypeCount] = offset;
        if (IsOwn(offset))
            _typeAt[offset - _start] = TypeCount;
        else
            _foreign[offset] = TypeCount;
        ref var type = ref Types[TypeCount++];
        type = default;
        type.Offset = offset;
        return ref type;
    }

    /// <summary>What is added from now on belongs to other units.</summary>
    public void EndOwn() => _ownFunctions = FunctionCount;

    public ref FunctionDie AddFunction(uint offset)
    {
        if (FunctionCount == Functions.Length)
            Array.Resize(ref Functions, FunctionCount * 2);
        if (_ownFunctions >= 0)
            _foreignFunctions[offset] = FunctionCount;
        ref var function = ref Functions[FunctionCount++];
        function = default;
        function.Offset = offset;
        return ref function;
    }

    /// <summary>A new child at the end of a type's.</summary>
    public ref ChildDie AddChild(int type)
    {
        if (ChildCount == Children.Length)
            Array.Resize(ref Children, ChildCount * 2);
        ref var owner = ref Types[type];
        if (owner.ChildCount++ == 0)
            owner.FirstChild = ChildCount;
        else
            Children[owner.LastChild].Next = ChildCount;
        owner.LastChild = ChildCount;
        ref var child = ref Children[ChildCount++];
        child = default;
        return ref child;
    }

    /// <summary>A new parameter at the end of a function's.</summary>
    public ref ParameterDie AddParameter(int function)
    {
        if (ParameterCount == Parameters.Length)
            Array.Resize(ref Parameters, ParameterCount * 2);
        ref var owner = ref Functions[function];
        if (owner.ChildCount++ == 0)
            owner.FirstChild = ParameterCount;
        else
            Parameters[owner.LastChild].Next = ParameterCount;
        owner.LastChild = ParameterCount;
        ref var parameter = ref Parameters[ParameterCount++];
        parameter = default;
        return ref parameter;
    }

    /// <summary>Index of the type DIE at this offset, or -1.</summary>
    public int FindType(uint offset)
    {
        var within = offset - _start;
        if (within >= _length)
            return _foreign.GetValueOrDefault(offset, -1);
        var index = _typeAt[within];
        return index < TypeCount && _offsets[index] == offset ? index : -1;
    }

    /// <summary>Index of the function DIE at this offset, or -1.</summary>
    public int FindFunction(uint offset)
    {
        if (!IsOwn(offset))
            return _foreignFunctions.GetValueOrDefault(offset, -1);
        int low = 0, high = OwnFunctionCount - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            if (Functions[middle].Offset == offset)
                return middle;
            if (Functions[middle].Offset < offset)
                low = middle + 1;
            else
                high = middle - 1;
        }
        return -1;
    }
}
