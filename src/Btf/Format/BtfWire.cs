namespace Btf.Format;

/// <summary>Numbers of the wire format (<c>include/uapi/linux/btf.h</c>).</summary>
public static class BtfWire
{
    public const ushort Magic = 0xEB9F;

    /// <summary>The magic as it reads in the other byte order.</summary>
    public const ushort SwappedMagic = 0x9FEB;

    public const byte Version = 1;

    /// <summary>Bytes of the header every reader knows: magic, version, flags, hdr_len and the four section words.</summary>
    public const int HeaderSize = 24;

    /// <summary>Bytes of <c>struct btf_type</c>: name_off, info, and size or type.</summary>
    public const int TypeSize = 12;

    /// <summary>Most members a type can have in the old encoding, which is the one we write: vlen is 16 bits.</summary>
    public const int MaxVlen = 0xffff;

    /// <summary>Bytes that follow <c>struct btf_type</c> for a type of this kind with this vlen.</summary>
    public static int TrailingSize(BtfKind kind, int vlen) => kind switch
    {
        BtfKind.Int or BtfKind.Var or BtfKind.DeclTag => 4,
        BtfKind.Array => 12,
        BtfKind.Struct or BtfKind.Union or BtfKind.Datasec or BtfKind.Enum64 => 12 * vlen,
        BtfKind.Enum or BtfKind.FuncProto => 8 * vlen,
        _ => 0,
    };
}
