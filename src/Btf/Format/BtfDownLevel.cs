using System.Buffers.Binary;
using Btf.Dedup;

namespace Btf.Format;

/// <summary>Kinds that came to BTF late, and that older kernels and libraries refuse to read.</summary>
[Flags]
public enum BtfNovelties
{
    None = 0,

    /// <summary>FLOAT, Linux 5.13.</summary>
    Float = 1,

    /// <summary>DECL_TAG, Linux 5.16.</summary>
    DeclTag = 1 << 1,

    /// <summary>TYPE_TAG, Linux 5.17.</summary>
    TypeTag = 1 << 2,

    /// <summary>ENUM64, Linux 6.0.</summary>
    Enum64 = 1 << 3,

    All = Float | DeclTag | TypeTag | Enum64,
}

/// <summary>
/// BTF without kinds that its reader does not know, as an encoder writes it that does not either: a FLOAT is an INT of its name and size, an ENUM64 an ENUM
/// whose enumerators lose their upper half, tags are not there, and what referred to a TYPE_TAG refers to what it tagged.
/// </summary>
public static class BtfDownLevel
{
    /// <summary>What a kernel of this version does not read.</summary>
    public static BtfNovelties UnknownTo(Version kernel)
    {
        return Before(5, 13, BtfNovelties.Float) | Before(5, 16, BtfNovelties.DeclTag) | Before(5, 17, BtfNovelties.TypeTag) | Before(6, 0, BtfNovelties.Enum64);

        BtfNovelties Before(int major, int minor, BtfNovelties novelty) => kernel < new Version(major, minor) ? novelty : BtfNovelties.None;
    }

    /// <param name="btf">A kernel's, not split.</param>
    /// <exception cref="BtfFormatException">A type refers to a tag that tags nothing, or to itself.</exception>
    public static byte[] Without(BtfBlob btf, BtfNovelties novelties)
    {
        var ids = NewIds(btf, novelties);
        var words = new List<uint>(btf.Header.Types.Length / sizeof(uint));
        foreach (var type in btf.Types)
        {
            if (!IsDropped(type.Kind, novelties))
                Write(words, btf, type, novelties, ids);
        }
        return ToBytes(btf, words);
    }

    /// <summary>By id; those of dropped types are what they tagged.</summary>
    private static uint[] NewIds(BtfBlob btf, BtfNovelties novelties)
    {
        var ids = new uint[btf.EndId];
        uint next = 1;
        foreach (var type in btf.Types)
        {
            if (!IsDropped(type.Kind, novelties))
                ids[type.Id] = next++;
        }
        foreach (var type in btf.Types)
        {
            if (IsDropped(type.Kind, novelties) && type.Kind == BtfKind.TypeTag)
                ids[type.Id] = ids[Tagged(btf, type.Id)];
        }
        return ids;
    }

    private static uint Tagged(BtfBlob btf, uint id)
    {
        for (var steps = 0; steps < btf.TypeCount; steps++)
        {
            if (btf[id].Kind != BtfKind.TypeTag)
                return id;
            id = btf.Words.At(btf[id].Offset + 8);
        }
        throw new BtfFormatException(BtfBlob.TypesSection, btf[id].Offset, id, "a type tag that tags itself");
    }

    private static bool IsDropped(BtfKind kind, BtfNovelties novelties) =>
        kind == BtfKind.TypeTag && novelties.HasFlag(BtfNovelties.TypeTag) || kind == BtfKind.DeclTag && novelties.HasFlag(BtfNovelties.DeclTag);

    private static void Write(List<uint> words, BtfBlob btf, in BtfType type, BtfNovelties novelties, uint[] ids)
    {
        var reader = btf.Words;
        var start = words.Count;
        var roles = RecordLayout.Of(type.Kind);
        for (var i = 0; i < btf.Record(type).Length / sizeof(uint); i++)
        {
            var word = reader.At(type.Offset + sizeof(uint) * i);
            if (roles[i] == WordRole.Reference)
                word = word < (uint)ids.Length ? ids[word] : throw new BtfFormatException(BtfBlob.TypesSection, type.Offset, word, "type id out of range");
            var isUpperHalf = type.Kind == BtfKind.Enum64 && novelties.HasFlag(BtfNovelties.Enum64) && i >= 3 && (i - 3) % 3 == 2;
            if (!isUpperHalf)
                words.Add(word);
        }
        if (type.Kind == BtfKind.Enum64 && novelties.HasFlag(BtfNovelties.Enum64))
            words[start + 1] = OfKind(words[start + 1], BtfKind.Enum);
        if (type.Kind != BtfKind.Float || !novelties.HasFlag(BtfNovelties.Float))
            return;
        words[start + 1] = OfKind(words[start + 1], BtfKind.Int);
        words.Add(8 * words[start + 2]); // An INT's bits; its size is the FLOAT's.
    }

    private static uint OfKind(uint info, BtfKind kind) => info & ~(0x1fu << 24) | (uint)kind << 24;

    private static byte[] ToBytes(BtfBlob btf, List<uint> words)
    {
        var bytes = new byte[BtfWire.HeaderSize + sizeof(uint) * words.Count + btf.Header.Strings.Length];
        uint[] header = [0, BtfWire.HeaderSize, 0, (uint)(sizeof(uint) * words.Count), (uint)(sizeof(uint) * words.Count), (uint)btf.Header.Strings.Length];
        var at = 0;
        foreach (var word in header.Concat(words))
        {
            if (btf.IsBigEndian)
                BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(at), word);
            else
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), word);
            at += sizeof(uint);
        }
        btf.Bytes.Span[..4].CopyTo(bytes); // Magic, version and flags.
        btf.Strings.CopyTo(bytes.AsSpan(at));
        return bytes;
    }
}
