using System.Text;
using Btf.CoRe;

namespace Btf.Format;

/// <summary>
/// BTF as it stands in memory: the bytes, and where each type begins. Parsing is one pass that checks bounds;
/// everything else is read from the bytes when asked for, so that a kernel of 100,000 types costs one array.
/// Ids, names and sizes inside the records are not judged here but by <c>BtfValidator</c>; an id or a
/// name out of range raises <see cref="BtfFormatException"/> when followed.
/// </summary>
/// <remarks>Immutable and safe for concurrent use.</remarks>
public sealed class BtfBlob
{
    internal const string TypesSection = "BTF types";
    internal const string StringsSection = "BTF strings";

    /// <summary>Longest name, in bytes: the kernel takes 512 of an identifier (KSYM_NAME_LEN), and tags may be longer.</summary>
    public const int MaxNameBytes = 4096;

    private readonly int[] _offsets;
    private readonly Lazy<BtfNameIndex> _names;
    private readonly Lazy<int> _pointerSize;

    private BtfBlob(ReadOnlyMemory<byte> bytes, BtfHeader header, BtfBlob? baseBtf)
    {
        Bytes = bytes;
        Header = header;
        Base = baseBtf;
        FirstId = baseBtf?.EndId ?? 1;
        FirstNameOffset = baseBtf?.EndNameOffset ?? 0;
        RequireTerminatedStrings();
        _offsets = BtfTypeOffsets.Find(bytes.Span, header);
        TypeCount = _offsets.Length;
        _names = new(() => new BtfNameIndex(this));
        _pointerSize = new(() => BtfPointerSize.Of(this));
    }

    private BtfBlob(ReadOnlyMemory<byte> bytes, int[] offsets, int count, Func<BtfBlob, BtfNameIndex> names, int pointerSize)
    {
        Bytes = bytes;
        Header = BtfHeader.Parse(bytes.Span);
        FirstId = 1;
        _offsets = offsets;
        TypeCount = count;
        _names = new(names(this));
        _pointerSize = new(pointerSize);
    }

    /// <summary>The whole of it, from the magic on.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    public BtfHeader Header { get; }

    /// <summary>What split BTF builds on: ids and name offsets continue those of the base.</summary>
    public BtfBlob? Base { get; }

    public bool IsBigEndian => Header.IsBigEndian;

    /// <summary>Number of types stored here, without void and without those of the base.</summary>
    public int TypeCount { get; }

    /// <summary>The id of the first type stored here: 1, or the base's <see cref="EndId"/>.</summary>
    public uint FirstId { get; }

    /// <summary>One past the last id.</summary>
    public uint EndId => FirstId + (uint)TypeCount;

    /// <summary>Bytes of a pointer, known by the size of <c>long</c>; 8 if there is no <c>long</c>.</summary>
    public int PointerSize => _pointerSize.Value;

    internal uint FirstNameOffset { get; }
    internal uint EndNameOffset => FirstNameOffset + (uint)Header.Strings.Length;

    /// <summary>The types stored here, by ascending id.</summary>
    public BtfTypes Types => new(this);

    /// <summary>The type with this id, of the base if it is one of those; id 0 is void.</summary>
    /// <exception cref="BtfFormatException">There is no such id.</exception>
    public BtfType this[uint id]
    {
        get
        {
            if (id >= FirstId)
                return id < EndId ? ReadType(id) : throw new BtfFormatException(TypesSection, 0, id, "type id out of range");
            return id == 0 ? new BtfType(this, 0, 0, 0, 0, 0) : Base![id];
        }
    }

    /// <param name="bytes">Raw BTF from the magic on. It is referred to, not copied.</param>
    /// <param name="baseBtf">The base, if this is split BTF.</param>
    /// <exception cref="BtfFormatException">A section or a type record does not fit, or its kind is unknown.</exception>
    public static BtfBlob Parse(ReadOnlyMemory<byte> bytes, BtfBlob? baseBtf = null)
    {
        var header = BtfHeader.Parse(bytes.Span);
        if (baseBtf is not null && baseBtf.IsBigEndian != header.IsBigEndian)
            throw new BtfFormatException(BtfHeader.SectionName, 0, null, "byte order differs from that of the base");
        return new BtfBlob(bytes, header, baseBtf);
    }

    /// <summary>As <see cref="Parse"/>, of BTF that was parsed before, with what was found then (<see cref="IndexedBtf"/>).</summary>
    /// <param name="offsets">At least <paramref name="count"/> of them.</param>
    internal static BtfBlob Indexed(ReadOnlyMemory<byte> bytes, int[] offsets, int count, Func<BtfBlob, BtfNameIndex> names, int pointerSize) =>
        new(bytes, offsets, count, names, pointerSize);

    internal ReadOnlySpan<int> Offsets => _offsets.AsSpan(0, TypeCount);
    internal BtfNameIndex NameIndex => _names.Value;

    /// <summary>The name at this offset of the string section, without its NUL.</summary>
    /// <exception cref="BtfFormatException">The offset is past the strings, or the name longer than <see cref="MaxNameBytes"/>.</exception>
    public ReadOnlySpan<byte> NameBytes(uint nameOffset)
    {
        if (nameOffset < FirstNameOffset)
            return Base!.NameBytes(nameOffset);
        if (nameOffset >= EndNameOffset)
            return nameOffset == 0 ? [] : throw new BtfFormatException(StringsSection, nameOffset, nameOffset, "name offset past the strings");
        // Names may overlap: without a limit, those of many types may be one long string.
        var rest = Strings[(int)(nameOffset - FirstNameOffset)..];
        var end = rest[..Math.Min(rest.Length, MaxNameBytes + 1)].IndexOf((byte)0);
        return end >= 0 ? rest[..end] : throw new BtfFormatException(StringsSection, nameOffset, nameOffset, $"name longer than {MaxNameBytes} bytes");
    }

    /// <summary>The string at this offset, or its first bytes: source lines among the strings of an object have any length.</summary>
    internal string Text(uint nameOffset, int maxBytes)
    {
        if (!HasName(nameOffset))
            throw new BtfFormatException(StringsSection, nameOffset, nameOffset, "name offset past the strings");
        var rest = Strings[(int)nameOffset..];
        var text = rest[..Math.Min(rest.Length, maxBytes)];
        return Encoding.UTF8.GetString(text.IndexOf((byte)0) is >= 0 and var end ? text[..end] : text);
    }

    /// <summary>As <see cref="NameBytes"/>, of an offset that is within the strings.</summary>
    internal ReadOnlyMemory<byte> NameMemory(uint nameOffset) => nameOffset < FirstNameOffset
        ? Base!.NameMemory(nameOffset)
        : Bytes.Slice(Header.Strings.Start + (int)(nameOffset - FirstNameOffset), NameBytes(nameOffset).Length);

    /// <summary>The name at this offset, or the empty string for offset 0.</summary>
    public string Name(uint nameOffset) => Encoding.UTF8.GetString(NameBytes(nameOffset));

    /// <summary>The ids of the types of this name, ascending, in the base and here.</summary>
    public IReadOnlyList<uint> Find(string name)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        var ids = FindEssential(EssentialName.Of(bytes));
        ids.RemoveAll(id => !this[id].NameBytes.SequenceEqual(bytes));
        return ids;
    }

    /// <summary>The ids of the types of this name, or a flavour of it such as <c>name___old</c>, ascending, in the base and here.</summary>
    /// <param name="essentialName">Without a flavour.</param>
    private List<uint> FindEssential(ReadOnlySpan<byte> essentialName)
    {
        var ids = Base?.FindEssential(essentialName) ?? [];
        foreach (var id in NameIndex.Find(essentialName))
            ids.Add(id);
        return ids;
    }

    /// <summary>The first type of this kind and name, or null.</summary>
    public BtfType? Find(BtfKind kind, string name)
    {
        foreach (var id in Find(name))
        {
            if (this[id].Kind == kind)
                return this[id];
        }
        return null;
    }

    /// <summary>How many types of each kind are stored here; kinds without any are absent.</summary>
    public IReadOnlyDictionary<BtfKind, int> CountByKind()
    {
        var counts = new Dictionary<BtfKind, int>();
        foreach (var type in Types)
            counts[type.Kind] = counts.GetValueOrDefault(type.Kind) + 1;
        return counts;
    }

    internal ReadOnlySpan<byte> Strings => Bytes.Span.Slice(Header.Strings.Start, Header.Strings.Length);

    internal bool HasName(uint nameOffset) => nameOffset < EndNameOffset || nameOffset == 0;

    internal WordReader Words => new(Bytes.Span, IsBigEndian);

    /// <summary>The record of a type stored here, as the bytes stand.</summary>
    internal ReadOnlyMemory<byte> Record(in BtfType type) =>
        Bytes.Slice(type.Offset, BtfWire.TypeSize + BtfWire.TrailingSize(type.Kind, type.Vlen));

    private BtfType ReadType(uint id)
    {
        var offset = _offsets[id - FirstId];
        var words = Words;
        return new BtfType(this, id, offset, words.At(offset), words.At(offset + 4), words.At(offset + 8));
    }

    private void RequireTerminatedStrings()
    {
        var strings = Strings;
        if (strings.IsEmpty)
        {
            if (Base is null)
                throw new BtfFormatException(StringsSection, 0, 0, "no strings, not even the empty one");
            return;
        }
        if (Base is null && strings[0] != 0)
            throw new BtfFormatException(StringsSection, 0, strings[0], "does not start with the empty string");
        if (strings[^1] != 0)
            throw new BtfFormatException(StringsSection, strings.Length - 1, strings[^1], "does not end with NUL");
    }
}
