using Btf.Format;

namespace Btf.CoRe;

/// <summary>
/// The <c>.BTF.ext</c> section of a BPF object: which function an instruction begins, which source line it came from, and its
/// CO-RE relocations, each by ELF section (<c>Documentation/bpf/btf.rst</c>, "The .BTF.ext section").
/// </summary>
public sealed class BtfExt
{
    internal const string SectionName = ".BTF.ext";

    private const int HeaderSize = 24;
    private const int HeaderSizeWithRelocations = 32;

    private BtfExt(IReadOnlyList<BtfExtSection<FuncInfo>> functions, IReadOnlyList<BtfExtSection<LineInfo>> lines, IReadOnlyList<BtfExtSection<CoreRelocation>> relocations)
    {
        Functions = functions;
        Lines = lines;
        Relocations = relocations;
        AllRelocations = new CoreRelocation[relocations.Sum(section => section.Records.Count)];
        var count = 0;
        foreach (var section in relocations)
        {
            for (var i = 0; i < section.Records.Count; i++)
                AllRelocations[count++] = section.Records[i];
        }
    }

    public IReadOnlyList<BtfExtSection<FuncInfo>> Functions { get; }
    public IReadOnlyList<BtfExtSection<LineInfo>> Lines { get; }

    /// <summary>Empty for an object without any, such as one built without <c>preserve_access_index</c>.</summary>
    public IReadOnlyList<BtfExtSection<CoreRelocation>> Relocations { get; }

    internal CoreRelocation[] AllRelocations { get; }

    /// <param name="bytes">The section, in either byte order. Nothing refers to it afterwards.</param>
    /// <exception cref="BtfFormatException">Not a <c>.BTF.ext</c>, or a part that does not fit it.</exception>
    public static BtfExt Parse(ReadOnlySpan<byte> bytes)
    {
        var words = new WordReader(bytes, IsBigEndian(bytes));
        var headerLength = words.At(4);
        if (headerLength < HeaderSize || headerLength > (uint)bytes.Length)
            throw Malformed(4, headerLength, "header length out of range");
        return new BtfExt(
            Sections<FuncInfo>(words, headerLength, 8, "func_info"),
            Sections<LineInfo>(words, headerLength, 16, "line_info"),
            headerLength >= HeaderSizeWithRelocations ? Sections<CoreRelocation>(words, headerLength, 24, "core_relo") : []);
    }

    private static bool IsBigEndian(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderSize)
            throw Malformed(0, (ulong)bytes.Length, "shorter than a header");
        var magic = (ushort)(bytes[0] | bytes[1] << 8);
        if (magic is not (BtfWire.Magic or BtfWire.SwappedMagic))
            throw Malformed(0, magic, "not BTF: wrong magic");
        if (bytes[2] != BtfWire.Version)
            throw Malformed(2, bytes[2], "unknown version");
        if (bytes[3] != 0)
            throw Malformed(3, bytes[3], "unknown flags");
        return magic == BtfWire.SwappedMagic;
    }

    private static List<BtfExtSection<T>> Sections<T>(WordReader words, uint headerLength, int at, string part) where T : IBtfExtRecord<T>
    {
        var (start, length) = ((ulong)headerLength + words.At(at), (ulong)words.At(at + 4));
        if (length == 0)
            return [];
        if (start % 4 != 0 || start + length > (ulong)words.Length || length < 4)
            throw Malformed(at, start + length, $"{part} does not fit the section");
        var recordSize = words.At((int)start);
        if (recordSize < T.Size || recordSize % 4 != 0 || recordSize > length)
            throw Malformed((long)start, recordSize, $"record size of {part}");
        return Sections<T>(words, (long)start + 4, (long)(start + length), (int)recordSize, part);
    }

    private static List<BtfExtSection<T>> Sections<T>(WordReader words, long at, long end, int recordSize, string part) where T : IBtfExtRecord<T>
    {
        const int sectionHeader = 8;
        var sections = new List<BtfExtSection<T>>();
        while (at < end)
        {
            if (end - at < sectionHeader)
                throw Malformed(at, (ulong)(end - at), $"section header of {part} is cut off");
            var (name, count) = (words.At((int)at), words.At((int)at + 4));
            if (count == 0 || count > (end - at - sectionHeader) / recordSize)
                throw Malformed(at + 4, count, $"number of records of {part}");
            var records = new T[count];
            for (var i = 0; i < records.Length; i++)
                records[i] = T.Read(words, (int)at + sectionHeader + i * recordSize);
            sections.Add(new(name, records));
            at += sectionHeader + (long)count * recordSize;
        }
        return sections;
    }

    private static BtfFormatException Malformed(long offset, ulong value, string problem) => new(SectionName, offset, value, problem);
}

/// <summary>The records of one ELF section.</summary>
/// <param name="NameOffset">The section's name in the strings of the object's BTF.</param>
public sealed record BtfExtSection<T>(uint NameOffset, IReadOnlyList<T> Records);

internal interface IBtfExtRecord<T> where T : IBtfExtRecord<T>
{
    /// <summary>Least bytes of a record; later versions may append to it.</summary>
    static abstract int Size { get; }
    static abstract T Read(WordReader words, int at);
}

/// <summary>The function that begins at an instruction (<c>struct bpf_func_info</c>).</summary>
/// <param name="InstructionOffset">In bytes from the start of the section.</param>
/// <param name="TypeId">A FUNC of the object's BTF.</param>
public readonly record struct FuncInfo(uint InstructionOffset, uint TypeId) : IBtfExtRecord<FuncInfo>
{
    static int IBtfExtRecord<FuncInfo>.Size => 8;
    static FuncInfo IBtfExtRecord<FuncInfo>.Read(WordReader words, int at) => new(words.At(at), words.At(at + 4));
}

/// <summary>The source line of an instruction and those that follow, up to the next (<c>struct bpf_line_info</c>).</summary>
/// <param name="InstructionOffset">In bytes from the start of the section.</param>
/// <param name="FileNameOffset">In the strings of the object's BTF, as <paramref name="TextOffset"/> is.</param>
public readonly record struct LineInfo(uint InstructionOffset, uint FileNameOffset, uint TextOffset, uint LineColumn) : IBtfExtRecord<LineInfo>
{
    public int Line => (int)(LineColumn >> 10);
    public int Column => (int)(LineColumn & 0x3ff);

    static int IBtfExtRecord<LineInfo>.Size => 16;
    static LineInfo IBtfExtRecord<LineInfo>.Read(WordReader words, int at) => new(words.At(at), words.At(at + 4), words.At(at + 8), words.At(at + 12));
}

/// <summary>A CO-RE relocation as it stands in the object (<c>struct bpf_core_relo</c>).</summary>
/// <param name="InstructionOffset">In bytes from the start of the section.</param>
/// <param name="TypeId">The local root type.</param>
/// <param name="AccessOffset">The access string, such as <c>0:1:2</c>, in the strings of the object's BTF.</param>
public readonly record struct CoreRelocation(uint InstructionOffset, uint TypeId, uint AccessOffset, CoreRelocationKind Kind) : IBtfExtRecord<CoreRelocation>
{
    static int IBtfExtRecord<CoreRelocation>.Size => 16;
    static CoreRelocation IBtfExtRecord<CoreRelocation>.Read(WordReader words, int at) => new(words.At(at), words.At(at + 4), words.At(at + 8), (CoreRelocationKind)words.At(at + 12));
}
