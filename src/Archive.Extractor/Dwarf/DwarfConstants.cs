namespace Archive.Extractor.Dwarf;

/// <summary>DWARF 5 §7.5.3, table 7.3; the entries that a C or assembler unit of a kernel can hold and that we look at.</summary>
internal enum DwTag : ushort
{
    ArrayType = 0x01,
    ClassType = 0x02,
    EnumerationType = 0x04,
    FormalParameter = 0x05,
    Member = 0x0d,
    PointerType = 0x0f,
    ReferenceType = 0x10,
    CompileUnit = 0x11,
    StructureType = 0x13,
    SubroutineType = 0x15,
    Typedef = 0x16,
    UnionType = 0x17,
    UnspecifiedParameters = 0x18,
    SubrangeType = 0x21,
    BaseType = 0x24,
    ConstType = 0x26,
    Enumerator = 0x28,
    Subprogram = 0x2e,
    Variable = 0x34,
    VolatileType = 0x35,
    RestrictType = 0x37,
    UnspecifiedType = 0x3b,
    PartialUnit = 0x3c,
    TypeUnit = 0x41,
    AtomicType = 0x47,
    CallSite = 0x48,
    CallSiteParameter = 0x49,
    SkeletonUnit = 0x4a,
    GnuCallSite = 0x4109,
    GnuCallSiteParameter = 0x410a,

    /// <summary>clang's btf_type_tag and btf_decl_tag (llvm/BinaryFormat/Dwarf.def).</summary>
    LlvmAnnotation = 0x6000,
}

/// <summary>DWARF 5 §7.5.4, table 7.5.</summary>
internal enum DwAt : ushort
{
    Sibling = 0x01,
    Location = 0x02,
    Name = 0x03,
    ByteSize = 0x0b,
    BitOffset = 0x0c,
    BitSize = 0x0d,
    StmtList = 0x10,
    LowPc = 0x11,
    Language = 0x13,
    ConstValue = 0x1c,
    Inline = 0x20,
    Producer = 0x25,
    UpperBound = 0x2f,
    AbstractOrigin = 0x31,
    Artificial = 0x34,
    Count = 0x37,
    DataMemberLocation = 0x38,
    DeclFile = 0x3a,
    Declaration = 0x3c,
    Encoding = 0x3e,
    External = 0x3f,
    Specification = 0x47,
    Type = 0x49,
    Ranges = 0x55,
    Signature = 0x69,
    DataBitOffset = 0x6b,
    StrOffsetsBase = 0x72,
    AddrBase = 0x73,
    LoclistsBase = 0x8c,
}

/// <summary>DWARF 5 §7.5.6, table 7.6, and the GNU forms of dwz.</summary>
internal enum DwForm : ushort
{
    /// <summary>No attribute.</summary>
    None = 0,
    Addr = 0x01,
    Block2 = 0x03,
    Block4 = 0x04,
    Data2 = 0x05,
    Data4 = 0x06,
    Data8 = 0x07,
    String = 0x08,
    Block = 0x09,
    Block1 = 0x0a,
    Data1 = 0x0b,
    Flag = 0x0c,
    Sdata = 0x0d,
    Strp = 0x0e,
    Udata = 0x0f,
    RefAddr = 0x10,
    Ref1 = 0x11,
    Ref2 = 0x12,
    Ref4 = 0x13,
    Ref8 = 0x14,
    RefUdata = 0x15,
    Indirect = 0x16,
    SecOffset = 0x17,
    Exprloc = 0x18,
    FlagPresent = 0x19,
    Strx = 0x1a,
    Addrx = 0x1b,
    RefSup4 = 0x1c,
    StrpSup = 0x1d,
    Data16 = 0x1e,
    LineStrp = 0x1f,
    RefSig8 = 0x20,
    ImplicitConst = 0x21,
    Loclistx = 0x22,
    Rnglistx = 0x23,
    RefSup8 = 0x24,
    Strx1 = 0x25,
    Strx2 = 0x26,
    Strx3 = 0x27,
    Strx4 = 0x28,
    Addrx1 = 0x29,
    Addrx2 = 0x2a,
    Addrx3 = 0x2b,
    Addrx4 = 0x2c,
    GnuRefAlt = 0x1f20,
    GnuStrpAlt = 0x1f21,
}

/// <summary>DW_ATE, DWARF 5 §7.8.</summary>
internal enum DwAte : byte
{
    Boolean = 0x02,
    ComplexFloat = 0x03,
    Float = 0x04,
    Signed = 0x05,
    SignedChar = 0x06,
    ImaginaryFloat = 0x09,
}

/// <summary>DW_OP, DWARF 5 §7.7.1.</summary>
internal static class DwOp
{
    public const byte Addr = 0x03;
    public const byte Const1U = 0x08;
    public const byte ConstU = 0x10;
    public const byte ConstS = 0x11;
    public const byte PlusUconst = 0x23;
    public const byte Lit0 = 0x30;
    public const byte Lit31 = 0x4f;
    public const byte Reg0 = 0x50;
    public const byte Reg31 = 0x6f;
    public const byte Breg0 = 0x70;
    public const byte Breg31 = 0x8f;
    public const byte Regx = 0x90;
    public const byte Fbreg = 0x91;
    public const byte Piece = 0x93;
    public const byte StackValue = 0x9f;
    public const byte Addrx = 0xa1;
    public const byte EntryValue = 0xa3;
    public const byte GnuEntryValue = 0xf3;
}

/// <summary>DW_LANG, DWARF 5 §7.12 and the registry of language codes behind it.</summary>
internal static class DwLang
{
    public const ushort CPlusPlus = 0x04;
    public const ushort CPlusPlus03 = 0x19;
    public const ushort CPlusPlus11 = 0x1a;
    public const ushort Rust = 0x1c;
    public const ushort CPlusPlus14 = 0x21;
    public const ushort CPlusPlus17 = 0x2a;
    public const ushort CPlusPlus20 = 0x2b;
    public const ushort CPlusPlus23 = 0x3a;
    public const ushort MipsAssembler = 0x8001;

    /// <summary>Units of languages whose types BTF was not made for; the kernel's build leaves them out too.</summary>
    public static bool IsSkipped(ushort language) => language
        is Rust or CPlusPlus or CPlusPlus03 or CPlusPlus11 or CPlusPlus14 or CPlusPlus17 or CPlusPlus20 or CPlusPlus23;
}
