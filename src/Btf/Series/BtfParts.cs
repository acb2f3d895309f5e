using System.Runtime.InteropServices;
using Btf.Dedup;
using Btf.Format;

namespace Btf.Series;

/// <summary>
/// BTF taken apart into words of type records and a list of strings. Only BTF that the parts give back byte for byte is taken: header, types
/// and strings follow each other, and every name is a string from its beginning. That is how all encoders write it.
/// </summary>
internal sealed class BtfParts
{
    private readonly int[] _starts;
    private readonly int[] _stringStarts;
    private readonly int[] _stringAt;

    private BtfParts(ReadOnlyMemory<byte> bytes, BtfHeader header, int[] starts, uint[] words, int[] stringStarts)
    {
        (Bytes, Header, _starts, Words, _stringStarts) = (bytes, header, starts, words, stringStarts);
        _stringAt = new int[header.Strings.Length];
        Array.Fill(_stringAt, -1);
        for (var i = 0; i < StringCount; i++)
            _stringAt[stringStarts[i]] = i;
    }

    public ReadOnlyMemory<byte> Bytes { get; }

    public BtfHeader Header { get; }

    /// <summary>Of all records; names are offsets of strings.</summary>
    public uint[] Words { get; }

    public int TypeCount => _starts.Length - 1;

    public int StringCount => _stringStarts.Length - 1;

    /// <summary>Nothing: what the first of a series follows.</summary>
    public static BtfParts Empty { get; } = new(default, default, [0], [], [0]);

    /// <summary>Null where the parts would not give back the same bytes.</summary>
    /// <exception cref="BtfFormatException">This is no BTF.</exception>
    public static BtfParts? TryRead(ReadOnlyMemory<byte> bytes)
    {
        var blob = BtfBlob.Parse(bytes);
        var header = blob.Header;
        if (header.Types.Start != header.Length || header.Strings.Start != header.Types.End || header.Strings.End != bytes.Length || header.Layout.Length > 0)
            return null;
        var starts = new int[blob.TypeCount + 1];
        for (var i = 0; i < blob.TypeCount; i++)
            starts[i] = (blob.Offsets[i] - header.Types.Start) / sizeof(uint);
        starts[^1] = header.Types.Length / sizeof(uint);
        var words = new uint[starts[^1]];
        var reader = blob.Words;
        for (var i = 0; i < words.Length; i++)
            words[i] = reader.At(header.Types.Start + sizeof(uint) * i);
        var parts = new BtfParts(bytes, header, starts, words, StringStarts(blob.Strings));
        return parts.HasPlainNames() ? parts : null;
    }

    public Record this[int type] => new(this, _starts[type], _starts[type + 1] - _starts[type]);

    public ReadOnlySpan<byte> Text(int index) => Bytes.Span[(Header.Strings.Start + _stringStarts[index])..(Header.Strings.Start + _stringStarts[index + 1] - 1)];

    /// <summary>Index of the string that begins at this offset; -1 where none does.</summary>
    public int StringIndex(uint offset) => offset < (uint)_stringAt.Length ? _stringAt[offset] : -1;

    public uint StringOffset(int index) => (uint)_stringStarts[index];

    private static int[] StringStarts(ReadOnlySpan<byte> strings)
    {
        var starts = new List<int> { 0 };
        for (var at = 0; at < strings.Length; starts.Add(at))
            at += strings[at..].IndexOf((byte)0) + 1;
        return [.. starts];
    }

    private bool HasPlainNames()
    {
        for (var type = 0; type < TypeCount; type++)
        {
            var record = this[type];
            for (var i = 0; i < record.Length; i++)
            {
                if (record.Role(i) == WordRole.Name && StringIndex(record[i]) < 0)
                    return false;
            }
        }
        return true;
    }

    /// <summary>A type's words.</summary>
    public readonly ref struct Record(BtfParts parts, int start, int length)
    {
        private readonly ReadOnlySpan<uint> _words = parts.Words.AsSpan(start, length);
        private readonly RecordLayout.Roles _roles = RecordLayout.Of(KindOf(parts.Words[start + 1]));

        public int Length => _words.Length;

        public uint this[int word] => _words[word];

        public WordRole Role(int word) => _roles[word];

        public BtfKind Kind => KindOf(_words[1]);

        public ReadOnlySpan<byte> Bytes => MemoryMarshal.AsBytes(_words);
    }

    /// <summary>Bits 24 to 28 of <c>info</c>.</summary>
    public static BtfKind KindOf(uint info) => (BtfKind)(info >> 24 & 0x1f);
}
