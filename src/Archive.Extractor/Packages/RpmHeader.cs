using System.Buffers.Binary;
using System.Text;

namespace Archive.Extractor.Packages;

/// <summary>Tags of rpm's headers that are read here (rpm: include/rpm/rpmtag.h).</summary>
internal enum RpmTag
{
    Name = 1000,
    Version = 1001,
    Release = 1002,
    Arch = 1022,
    FileSizes = 1028,
    FileModes = 1030,
    FileDevices = 1095,
    FileInodes = 1096,
    DirectoryIndexes = 1116,
    BaseNames = 1117,
    DirectoryNames = 1118,
    PayloadFormat = 1124,
    PayloadCompressor = 1125,
    LongFileSizes = 5008,
    PayloadDigest = 5092,
    PayloadDigestAlgorithm = 5093,

    /// <summary>In the signature header: RSA or EdDSA over the main header.</summary>
    SignatureRsaHeader = 268,
    SignatureDsaHeader = 267,
}

/// <summary>
/// A header of an RPM package: an index of (tag, type, offset, count) and the store they point into, big-endian (rpm:
/// docs/manual/format_header.md). Every value is bounds-checked when it is asked for.
/// </summary>
public sealed class RpmHeader
{
    internal const int PreambleBytes = 16;

    private const int EntryBytes = 16;

    /// <summary>rpm itself refuses more (HEADER_TAGS_MAX); a kernel's debug package has some hundred tags and a few MB of file lists.</summary>
    private const int MaxTags = 0xffff;
    private const int MaxStoreBytes = 64 << 20;

    private readonly string _part;
    private readonly byte[] _bytes;
    private readonly int _storeAt;
    private readonly Dictionary<int, int> _entries = [];

    private RpmHeader(string part, byte[] bytes, int tags)
    {
        (_part, _bytes, _storeAt) = (part, bytes, PreambleBytes + (tags * EntryBytes));
        for (var i = 0; i < tags; i++)
            _entries[Int32(PreambleBytes + (i * EntryBytes))] = PreambleBytes + (i * EntryBytes);
    }

    /// <summary>The header as it stands in the package, which is what a signature in it covers.</summary>
    public ReadOnlyMemory<byte> Bytes => _bytes;

    /// <exception cref="PackageFormatException">No header, or beyond what rpm allows.</exception>
    internal static RpmHeader Read(Stream source, string part)
    {
        var preamble = new byte[PreambleBytes];
        if (source.ReadAtLeast(preamble, preamble.Length, throwOnEndOfStream: false) < preamble.Length)
            throw new PackageFormatException(part, 0, null, "ends within the header");
        if (!preamble.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x8e, 0xad, 0xe8, 1]))
            throw new PackageFormatException(part, 0, preamble[0], "is no RPM header");
        var tags = BinaryPrimitives.ReadUInt32BigEndian(preamble.AsSpan(8));
        var store = BinaryPrimitives.ReadUInt32BigEndian(preamble.AsSpan(12));
        if (tags > MaxTags || store > MaxStoreBytes)
            throw new PackageFormatException(part, 8, tags, $"has {tags} tags in {store} bytes, more than are believed");
        return new RpmHeader(part, ReadAll(source, part, preamble, (int)(tags * EntryBytes + store)), (int)tags);
    }

    internal bool Has(RpmTag tag) => _entries.ContainsKey((int)tag);

    /// <summary>The text of a tag; null where the header has not got it.</summary>
    internal string? Text(RpmTag tag) => Texts(tag) is [var first, ..] ? first : null;

    /// <summary>The texts of an array tag; none where the header has not got it.</summary>
    internal IReadOnlyList<string> Texts(RpmTag tag)
    {
        if (Find(tag, 6, 8, 9) is not { } entry)
            return [];
        var texts = new List<string>(Math.Min(entry.Count, 1024));
        var at = entry.At;
        for (var i = 0; i < entry.Count; i++)
        {
            var length = _bytes.AsSpan(at).IndexOf((byte)0);
            if (length < 0)
                throw Malformed(tag, (ulong)i, "has a text without an end");
            texts.Add(Encoding.UTF8.GetString(_bytes, at, length));
            at += length + 1;
        }
        return texts;
    }

    /// <summary>The numbers of an INT16, INT32 or INT64 array; none where the header has not got it.</summary>
    internal IReadOnlyList<ulong> Numbers(RpmTag tag)
    {
        if (Find(tag, 3, 4, 5) is not { } entry)
            return [];
        var width = 1 << (entry.Type - 2);
        if (entry.Count > (_bytes.Length - entry.At) / width)
            throw Malformed(tag, (ulong)entry.Count, "has more numbers than the header holds");
        var numbers = new ulong[entry.Count];
        for (var i = 0; i < numbers.Length; i++)
        {
            var at = _bytes.AsSpan(entry.At + (i * width));
            numbers[i] = width switch { 2 => BinaryPrimitives.ReadUInt16BigEndian(at), 4 => BinaryPrimitives.ReadUInt32BigEndian(at), _ => BinaryPrimitives.ReadUInt64BigEndian(at) };
        }
        return numbers;
    }

    /// <summary>The bytes of a BIN tag; null where the header has not got it.</summary>
    internal byte[]? Binary(RpmTag tag)
    {
        if (Find(tag, 7) is not { } entry)
            return null;
        return entry.Count <= _bytes.Length - entry.At
            ? _bytes.AsSpan(entry.At, entry.Count).ToArray()
            : throw Malformed(tag, (ulong)entry.Count, "has more bytes than the header holds");
    }

    private readonly record struct Entry(int Type, int At, int Count);

    private Entry? Find(RpmTag tag, params ReadOnlySpan<int> types)
    {
        if (!_entries.TryGetValue((int)tag, out var entry))
            return null;
        var (type, offset, count) = (Int32(entry + 4), Int32(entry + 8), Int32(entry + 12));
        if (!types.Contains(type))
            throw Malformed(tag, (ulong)type, "is of an unexpected type");
        if (offset < 0 || offset > _bytes.Length - _storeAt || count < 0)
            throw Malformed(tag, (ulong)offset, "lies outside of the header");
        return new Entry(type, _storeAt + offset, count);
    }

    private int Int32(int at) => BinaryPrimitives.ReadInt32BigEndian(_bytes.AsSpan(at));

    private PackageFormatException Malformed(RpmTag tag, ulong value, string problem) => new(_part, _storeAt, value, $"tag {tag} {problem}");

    /// <summary>The length is a claim: room is made as the bytes come.</summary>
    private static byte[] ReadAll(Stream source, string part, byte[] preamble, int length)
    {
        using var bytes = new MemoryStream();
        bytes.Write(preamble);
        using var rest = new BoundedStream(source, length, part);
        rest.CopyTo(bytes);
        return bytes.ToArray();
    }
}
