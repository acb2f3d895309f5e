namespace Btf.Format;

/// <summary>
/// One type: a view of its record, cheap to make and to pass. The typed parts (<see cref="Members"/>,
/// <see cref="Array"/>, …) are those of the kind they name and raise <see cref="InvalidOperationException"/> on others.
/// </summary>
public readonly struct BtfType
{
    internal BtfType(BtfBlob blob, uint id, int offset, uint nameOffset, uint info, uint sizeOrType)
    {
        Blob = blob;
        Id = id;
        Offset = offset;
        NameOffset = nameOffset;
        InfoWord = info;
        SizeOrType = sizeOrType;
    }

    /// <summary>Where it is stored; of split BTF and its base, the one that holds the record.</summary>
    public BtfBlob Blob { get; }

    public uint Id { get; }
    public uint NameOffset { get; }

    /// <summary>The third word: bytes of the types that have a size, the type id of those that refer to one.</summary>
    public uint SizeOrType { get; }

    internal uint InfoWord { get; }

    /// <summary>Bytes from the first of the blob.</summary>
    internal int Offset { get; }

    public BtfKind Kind => BtfInfo.Kind(InfoWord);
    public int Vlen => BtfInfo.Vlen(InfoWord);

    /// <summary>STRUCT, UNION: member offsets hold bitfield sizes. ENUM, ENUM64: signed. FWD: of a union.</summary>
    public bool KindFlag => BtfInfo.KindFlag(InfoWord);

    /// <summary>Empty if it has none.</summary>
    public string Name => Blob.Name(NameOffset);
    public ReadOnlySpan<byte> NameBytes => Blob.NameBytes(NameOffset);

    /// <summary>What a type that people know by its name is called: struct, union, enum, typedef or func; null for the others.</summary>
    public string? NamedKind => Kind switch
    {
        BtfKind.Struct => "struct",
        BtfKind.Union => "union",
        BtfKind.Enum or BtfKind.Enum64 => "enum",
        BtfKind.Typedef => "typedef",
        BtfKind.Func => "func",
        _ => null,
    };

    public bool IsComposite => Kind is BtfKind.Struct or BtfKind.Union;
    public bool IsEnum => Kind is BtfKind.Enum or BtfKind.Enum64;

    /// <summary>const, volatile, restrict, typedef and type tag: what stands before a type and has its size.</summary>
    public bool IsModifier => Kind is BtfKind.Typedef or BtfKind.Const or BtfKind.Volatile or BtfKind.Restrict or BtfKind.TypeTag;

    /// <summary>Whether <see cref="SizeOrType"/> is a size in bytes.</summary>
    public bool HasSize => IsComposite || IsEnum || Kind is BtfKind.Int or BtfKind.Float or BtfKind.Datasec;

    /// <summary>Whether <see cref="SizeOrType"/> is a type id.</summary>
    public bool HasTypeId => IsModifier || Kind is BtfKind.Ptr or BtfKind.Func or BtfKind.FuncProto or BtfKind.Var or BtfKind.DeclTag;

    public BtfEntries<BtfMember> Members => Entries<BtfMember>(IsComposite);
    public BtfEntries<BtfEnumerator> Enumerators => Entries<BtfEnumerator>(IsEnum);

    /// <summary>A variadic prototype ends with a parameter of type 0 and no name.</summary>
    public BtfEntries<BtfParam> Params => Entries<BtfParam>(Kind == BtfKind.FuncProto);
    public BtfEntries<BtfDatasecEntry> DatasecEntries => Entries<BtfDatasecEntry>(Kind == BtfKind.Datasec);

    public BtfArray Array => Kind == BtfKind.Array
        ? new BtfArray(TrailingWord(0), TrailingWord(1), TrailingWord(2))
        : throw NotOfKind();

    public BtfInt Int => Kind == BtfKind.Int ? new BtfInt(TrailingWord(0)) : throw NotOfKind();

    /// <summary>Of a FUNC or a VAR.</summary>
    public BtfLinkage Linkage => Kind switch
    {
        BtfKind.Func => (BtfLinkage)Math.Min(Vlen, byte.MaxValue),
        BtfKind.Var => (BtfLinkage)Math.Min(TrailingWord(0), byte.MaxValue),
        _ => throw NotOfKind(),
    };

    /// <summary>The member or parameter that a DECL_TAG is on, or -1 for the whole of its target.</summary>
    public int ComponentIndex => Kind == BtfKind.DeclTag ? (int)TrailingWord(0) : throw NotOfKind();

    /// <summary>How many type ids the record holds, of whatever role.</summary>
    public int ReferenceCount => Kind switch
    {
        BtfKind.Array => 2,
        BtfKind.Struct or BtfKind.Union or BtfKind.Datasec => Vlen,
        BtfKind.FuncProto => 1 + Vlen,
        _ => HasTypeId ? 1 : 0,
    };

    /// <summary>The type ids that the record holds, in its order; 0 is void.</summary>
    public uint Reference(int index) => Kind switch
    {
        BtfKind.Array => TrailingWord(index),
        BtfKind.Struct or BtfKind.Union => TrailingWord(3 * index + 1),
        BtfKind.Datasec => TrailingWord(3 * index),
        BtfKind.FuncProto when index > 0 => TrailingWord(2 * index - 1),
        _ => SizeOrType,
    };

    internal uint TrailingWord(int index) => Blob.Words.At(Offset + BtfWire.TypeSize + 4 * index);

    public override string ToString() => $"[{Id}] {Kind} '{Name}'";

    private BtfEntries<T> Entries<T>(bool rightKind) where T : IBtfEntry<T> =>
        rightKind ? new BtfEntries<T>(this) : throw NotOfKind();

    private InvalidOperationException NotOfKind() => new($"type {Id} is a {Kind}, which has no such part");
}
