namespace Btf.Format;

/// <summary>The one pass over the type section: finds where each record starts and that it ends within.</summary>
internal static class BtfTypeOffsets
{
    /// <summary>Offsets from the first byte of the BTF, in order of id.</summary>
    public static int[] Find(ReadOnlySpan<byte> bytes, in BtfHeader header)
    {
        var words = new WordReader(bytes, header.IsBigEndian);
        var (start, end) = (header.Types.Start, header.Types.End);
        // No record is shorter than its fixed part, so this many fit at most: an allocation bounded by the input.
        var offsets = new int[header.Types.Length / BtfWire.TypeSize];
        var count = 0;
        for (var at = start; at < end;)
        {
            var size = RecordSize(words, at, start, end);
            offsets[count++] = at;
            at += size;
        }
        return offsets[..count];
    }

    private static int RecordSize(WordReader words, int at, int start, int end)
    {
        if (end - at < BtfWire.TypeSize)
            throw new BtfFormatException(BtfBlob.TypesSection, at - start, (ulong)(end - at), "type record is cut off");
        var info = words.At(at + 4);
        var kind = BtfInfo.Kind(info);
        if (kind is BtfKind.Void or > BtfKind.Enum64)
            throw new BtfFormatException(BtfBlob.TypesSection, at - start + 4, (ulong)kind, "unknown kind");
        var size = BtfWire.TypeSize + BtfWire.TrailingSize(kind, BtfInfo.Vlen(info));
        if (size > end - at)
            throw new BtfFormatException(BtfBlob.TypesSection, at - start, (ulong)size, $"{kind} record ends past the types");
        return size;
    }
}

/// <summary>
/// The packed <c>info</c> word: vlen in bits 0–23, kind in 24–30, kind_flag in 31. Before libbpf commit 9801e029
/// vlen had 16 bits and kind five, and the rest was zero, so old records read the same.
/// </summary>
internal static class BtfInfo
{
    /// <summary>Bits that kernels of the old encoding know.</summary>
    public const uint OldMask = 0x9f00_ffff;

    public static BtfKind Kind(uint info) => (BtfKind)((info >> 24) & 0x7f);
    public static int Vlen(uint info) => (int)(info & 0xff_ffff);
    public static bool KindFlag(uint info) => info >> 31 != 0;
}
