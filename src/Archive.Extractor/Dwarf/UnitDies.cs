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

    /// <summary>Stands for the type it refers to (DW_TAG_atomic_type has no kind in BTF).</summary>
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
    /// <summary>From the start of the unit.</summary>
    public uint Offset;
    public TypeShape Shape;
    public bool Declaration;
    public DwAte Encoding;

    /// <summary>Has unspecified parameters (variadic).</summary>
    public bool Variadic;
    public NameRef Name;

    /// <summary>Offset of the type referred to; 0 for void.</summary>
    public uint TypeRef;

    /// <summary>DW_AT_byte_size; the number of elements of an array.</summary>
    public ulong Size;
    public int FirstChild;
    public int LastChild;
    public int ChildCount;
}

/// <summary>A member, enumerator or parameter.</summary>
internal struct ChildDie
{
    public NameRef Name;

    /// <summary>Offset of the type DIE; 0 for void.</summary>
    public uint TypeRef;

    /// <summary>Index of the next child of the same parent; 0 ends the list (index 0 is never used).</summary>
    public int Next;

    /// <summary>Enumerator: the value. Member: byte offset, or bit offset where <see cref="HasDataBitOffset"/>. Parameter: offset of its abstract origin.</summary>
    public ulong Value;

    /// <summary>Member: DW_AT_bit_size, 0 for none.</summary>
    public uint BitSize;

    /// <summary>Member: DW_AT_bit_offset (DWARF 2 to 4), counted from the most significant bit of the storage unit.</summary>
    public uint BitOffset;

    /// <summary>Member: DW_AT_byte_size of the storage unit, 0 for that of the type.</summary>
    public uint StorageSize;
    public bool HasDataBitOffset;

    /// <summary>Parameter: offset of the DIE, so that a concrete parameter can be found from its origin.</summary>
    public uint Offset;

    /// <summary>Parameter: DW_AT_location as its form and value; 0 for none.</summary>
    public DwForm LocationForm;
    public ulong Location;

    /// <summary>Parameter: it has DW_AT_const_value.</summary>
    public bool IsConstant;

    /// <summary>Parameter: it has a location, here or in a concrete instance that refers to it.</summary>
    public bool HasLocation;

    /// <summary>Parameter: the register it is in at the entry of the function, plus one; 0 where unknown.</summary>
    public byte EntryRegister;
}

/// <summary>A subprogram DIE.</summary>
internal struct FunctionDie
{
    public uint Offset;
    public bool Declaration;
    public NameRef Name;
    public uint TypeRef;
    public uint Origin;
    public bool External;
    public bool Variadic;
    public ulong Address;
    public int FirstChild;
    public int LastChild;
    public int ChildCount;
}

/// <summary>A variable at file level with a fixed address.</summary>
internal readonly record struct VariableDie(uint Offset, NameRef Name, uint TypeRef, uint Specification, ulong Address, bool External, bool HasAddress);

/// <summary>The DIEs of one unit that the converter needs, as flat arrays that a worker reuses from unit to unit.</summary>
internal sealed class UnitDies
{
    public TypeDie[] Types = new TypeDie[1024];
    public ChildDie[] Children = new ChildDie[4096];
    public FunctionDie[] Functions = new FunctionDie[256];
    public readonly List<VariableDie> Variables = [];
    public int TypeCount;
    public int FunctionCount;

    /// <summary>Index of the first type whose offset is at or past 16 × the position in this array.</summary>
    private int[] _buckets = [];
    private int _unitLength;

    /// <summary>Number of children, counting the unused one at index 0.</summary>
    public int ChildCount { get; private set; }

    public ushort Language { get; set; }

    public NameRef Producer { get; set; }

    public void Clear(int unitLength)
    {
        TypeCount = FunctionCount = 0;
        ChildCount = 1;
        Variables.Clear();
        Language = 0;
        Producer = default;
        _unitLength = unitLength;
    }

    public ref TypeDie AddType()
    {
        if (TypeCount == Types.Length)
            Array.Resize(ref Types, TypeCount * 2);
        ref var type = ref Types[TypeCount++];
        type = default;
        return ref type;
    }

    public ref FunctionDie AddFunction()
    {
        if (FunctionCount == Functions.Length)
            Array.Resize(ref Functions, FunctionCount * 2);
        ref var function = ref Functions[FunctionCount++];
        function = default;
        return ref function;
    }

    /// <summary>A new child at the end of the list that the three fields describe.</summary>
    public ref ChildDie AddChild(ref int first, ref int last, ref int count)
    {
        if (ChildCount == Children.Length)
            Array.Resize(ref Children, ChildCount * 2);
        var index = ChildCount++;
        if (count++ == 0)
            first = index;
        else
            Children[last].Next = index;
        last = index;
        ref var child = ref Children[index];
        child = default;
        return ref child;
    }

    /// <summary>Builds the index from offsets to types; offsets rise, since DIEs are read in order.</summary>
    public void IndexTypes()
    {
        var count = (_unitLength >> 4) + 2;
        if (_buckets.Length < count)
            _buckets = new int[Math.Max(count, _buckets.Length * 2)];
        var type = 0;
        for (var bucket = 0; bucket < count; bucket++)
        {
            while (type < TypeCount && Types[type].Offset < (uint)bucket << 4)
                type++;
            _buckets[bucket] = type;
        }
    }

    /// <summary>Index of the type DIE at this offset, or -1.</summary>
    public int FindType(uint offset)
    {
        if (offset >= (uint)_unitLength)
            return -1;
        for (var i = _buckets[offset >> 4]; i < TypeCount && Types[i].Offset <= offset; i++)
        {
            if (Types[i].Offset == offset)
                return i;
        }
        return -1;
    }

    /// <summary>Index of the function DIE at this offset, or -1.</summary>
    public int FindFunction(uint offset)
    {
        int low = 0, high = FunctionCount - 1;
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
