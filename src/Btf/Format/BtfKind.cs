namespace Btf.Format;

/// <summary>The kinds of BTF types, with the numbers of the wire (<c>include/uapi/linux/btf.h</c>).</summary>
public enum BtfKind : byte
{
    /// <summary>Type id 0; never stored.</summary>
    Void = 0,
    Int = 1,
    Ptr = 2,
    Array = 3,
    Struct = 4,
    Union = 5,
    Enum = 6,
    Fwd = 7,
    Typedef = 8,
    Volatile = 9,
    Const = 10,
    Restrict = 11,
    Func = 12,
    FuncProto = 13,
    Var = 14,
    Datasec = 15,
    Float = 16,
    DeclTag = 17,
    TypeTag = 18,
    Enum64 = 19,
}

/// <summary>Linkage of a FUNC (in its vlen) and of a VAR (in its trailing word).</summary>
public enum BtfLinkage : byte
{
    Static = 0,
    Global = 1,
    Extern = 2,
}

/// <summary>Encoding bits of an INT (<c>BTF_INT_ENCODING</c>).</summary>
[Flags]
public enum BtfIntEncoding : byte
{
    None = 0,
    Signed = 1,
    Char = 2,
    Bool = 4,
}
