namespace Btf.Format;

/// <summary>What follows a type record <c>vlen</c> times.</summary>
public interface IBtfEntry<T> where T : IBtfEntry<T>
{
    /// <summary>Reads the entry at an index that is known to be within vlen.</summary>
    static abstract T Read(in BtfType type, int index);
}

/// <summary>The trailing entries of a type, read as they are visited.</summary>
public readonly struct BtfEntries<T>(BtfType type) where T : IBtfEntry<T>
{
    private readonly BtfType _type = type;

    public int Count => _type.Vlen;

    public T this[int index] => (uint)index < (uint)Count
        ? T.Read(_type, index)
        : throw new ArgumentOutOfRangeException(nameof(index), index, "past vlen");

    public Enumerator GetEnumerator() => new(_type);

    public struct Enumerator(BtfType type)
    {
        private readonly BtfType _type = type;
        private int _index = -1;

        public readonly T Current => T.Read(_type, _index);
        public bool MoveNext() => ++_index < _type.Vlen;
    }
}

/// <summary>The types of a blob by ascending id.</summary>
public readonly struct BtfTypes(BtfBlob blob)
{
    public Enumerator GetEnumerator() => new(blob);

    public struct Enumerator(BtfBlob blob)
    {
        private uint _id = blob.FirstId - 1;

        public readonly BtfType Current => blob[_id];
        public bool MoveNext() => ++_id < blob.EndId;
    }
}

/// <summary>A member of a STRUCT or UNION.</summary>
/// <param name="BitOffset">From the start of the composite.</param>
/// <param name="BitfieldSize">In bits; 0 if it is no bitfield, or one that only its INT's bits describe (before kind_flag).</param>
public readonly record struct BtfMember(BtfBlob Blob, uint NameOffset, uint TypeId, uint BitOffset, byte BitfieldSize) : IBtfEntry<BtfMember>
{
    public string Name => Blob.Name(NameOffset);
    public ReadOnlySpan<byte> NameBytes => Blob.NameBytes(NameOffset);

    public static BtfMember Read(in BtfType type, int index)
    {
        var offset = type.TrailingWord(3 * index + 2);
        var (bitOffset, bitfieldSize) = type.KindFlag ? (offset & 0xff_ffff, (byte)(offset >> 24)) : (offset, (byte)0);
        return new(type.Blob, type.TrailingWord(3 * index), type.TrailingWord(3 * index + 1), bitOffset, bitfieldSize);
    }
}

/// <summary>An enumerator of an ENUM or ENUM64.</summary>
/// <param name="Value">Sign-extended if the enum is signed; else the same 64 bits as <see cref="UnsignedValue"/>.</param>
public readonly record struct BtfEnumerator(BtfBlob Blob, uint NameOffset, long Value) : IBtfEntry<BtfEnumerator>
{
    public string Name => Blob.Name(NameOffset);
    public ReadOnlySpan<byte> NameBytes => Blob.NameBytes(NameOffset);
    public ulong UnsignedValue => (ulong)Value;

    public static BtfEnumerator Read(in BtfType type, int index)
    {
        if (type.Kind == BtfKind.Enum64)
        {
            var (low, high) = (type.TrailingWord(3 * index + 1), type.TrailingWord(3 * index + 2));
            return new(type.Blob, type.TrailingWord(3 * index), (long)((ulong)high << 32 | low));
        }
        var value = type.TrailingWord(2 * index + 1);
        return new(type.Blob, type.TrailingWord(2 * index), type.KindFlag ? (int)value : value);
    }
}

/// <summary>A parameter of a FUNC_PROTO.</summary>
public readonly record struct BtfParam(BtfBlob Blob, uint NameOffset, uint TypeId) : IBtfEntry<BtfParam>
{
    public string Name => Blob.Name(NameOffset);
    public ReadOnlySpan<byte> NameBytes => Blob.NameBytes(NameOffset);

    public static BtfParam Read(in BtfType type, int index) =>
        new(type.Blob, type.TrailingWord(2 * index), type.TrailingWord(2 * index + 1));
}

/// <summary>A variable of a DATASEC: its VAR, and where it stands in the section, in bytes.</summary>
public readonly record struct BtfDatasecEntry(uint TypeId, uint ByteOffset, uint ByteSize) : IBtfEntry<BtfDatasecEntry>
{
    public static BtfDatasecEntry Read(in BtfType type, int index) =>
        new(type.TrailingWord(3 * index), type.TrailingWord(3 * index + 1), type.TrailingWord(3 * index + 2));
}

public readonly record struct BtfArray(uint ElementTypeId, uint IndexTypeId, uint ElementCount);

/// <summary>The word that follows an INT: encoding, offset and size in bits.</summary>
public readonly record struct BtfInt(uint Word)
{
    public BtfIntEncoding Encoding => (BtfIntEncoding)((Word >> 24) & 0xf);
    public int BitOffset => (int)((Word >> 16) & 0xff);
    public int Bits => (int)(Word & 0xff);

    /// <summary>Whole bytes of a size the kernel knows, at bit 0 (<c>btf_type_int_is_regular</c>).</summary>
    public bool IsRegular => BitOffset == 0 && (Bits is 8 or 16 or 32 or 64 or 128);
}
