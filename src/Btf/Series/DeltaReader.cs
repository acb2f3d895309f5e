using System.Buffers.Binary;
using Btf.Dedup;
using Btf.Format;

namespace Btf.Series;

/// <summary>Makes BTF of its difference from another: the way back of <see cref="DeltaWriter"/>.</summary>
internal sealed class DeltaReader
{
    /// <summary>Of one section. The largest kernel has some 10 MB.</summary>
    private const int MaxSection = 1 << 28;

    private readonly BtfParts _older;
    private readonly ColumnReader _input;
    private readonly BtfHeader _header;
    private readonly byte[] _bytes;
    private readonly List<int> _stringStarts = [];
    private readonly int[] _strings;
    private readonly uint[] _ids;
    private readonly ColumnReader _infos, _names, _values, _references;
    private int _at, _lastName;

    /// <exception cref="BtfFormatException">The difference does not fit.</exception>
    public static byte[] Read(BtfParts older, ColumnReader input) => new DeltaReader(older, input)._bytes;

    private DeltaReader(BtfParts older, ColumnReader input)
    {
        (_older, _input) = (older, input);
        (_strings, _ids) = (new int[older.StringCount], new uint[older.TypeCount + 1]);
        var header = input.Take(input.Count(BtfHeader.SizeWithLayout * 8)).ToArray();
        _header = ReadHeader(header);
        _bytes = new byte[_header.Strings.End];
        header.CopyTo(_bytes, 0);
        ReadStrings(ReadRuns(input.Column(), _older.StringCount), input.Column());
        var runs = ReadRuns(input.Column(), _older.TypeCount);
        (_infos, _names, _values, _references) = (input.Column(), input.Column(), input.Column(), input.Column());
        ReadTypes(runs);
    }

    /// <summary>The parser wants the sections that a header tells of; here they are yet to be made.</summary>
    private BtfHeader ReadHeader(byte[] bytes)
    {
        if (bytes.Length < BtfWire.HeaderSize)
            throw _input.Malformed("a header that is too short");
        var isBigEndian = bytes[0] == (BtfWire.Magic >> 8);
        var words = new WordReader(bytes, isBigEndian);
        var (types, strings) = (words.At(12), words.At(20));
        if (types > MaxSection || strings > MaxSection || types % sizeof(uint) != 0)
            throw _input.Malformed("a header whose sections are too large");
        var section = new BtfSection(bytes.Length, (int)types);
        return new BtfHeader
        {
            IsBigEndian = isBigEndian,
            Version = bytes[2],
            Flags = bytes[3],
            Length = bytes.Length,
            Types = section,
            Strings = new BtfSection(section.End, (int)strings),
            Layout = default,
        };
    }

    private List<Run> ReadRuns(ColumnReader column, int olderCount)
    {
        var (runs, expected) = (new List<Run>(), 0);
        while (!column.IsAtEnd)
        {
            var word = column.Number();
            var (fate, count) = ((Fate)(word & 3), word >> 2);
            var from = fate == Fate.New ? 0 : expected + column.Signed();
            if (fate > Fate.New || count is 0 or > MaxSection || fate != Fate.New && (from < 0 || from + count > olderCount))
                throw _input.Malformed("a run of what is not there");
            expected = fate == Fate.New ? expected : from + (int)count;
            runs.Add(new Run(fate, (int)count, from));
        }
        return runs;
    }

    private void ReadStrings(List<Run> runs, ColumnReader added)
    {
        _at = _header.Strings.Start;
        foreach (var run in runs)
        {
            for (var i = 0; i < run.Count; i++)
            {
                if (run.Fate == Fate.Kept && _strings[run.From + i] == 0)
                    _strings[run.From + i] = _stringStarts.Count;
                _stringStarts.Add(_at - _header.Strings.Start);
                Put(run.Fate == Fate.Kept ? _older.Text(run.From + i) : added.Text());
                Put([0]);
            }
        }
        if (_at != _bytes.Length)
            throw _input.Malformed("strings that are shorter than the header says");
    }

    private void ReadTypes(List<Run> runs)
    {
        uint id = 1;
        foreach (var run in runs)
        {
            for (var i = 0; i < run.Count; i++, id++)
            {
                if (run.Fate != Fate.New && _ids[run.From + i + 1] == 0)
                    _ids[run.From + i + 1] = id;
                if (id > (uint)_header.Types.Length / BtfWire.TypeSize)
                    throw _input.Malformed("more types than the header has room for");
            }
        }
        (_at, id) = (_header.Types.Start, 1);
        foreach (var run in runs)
        {
            for (var i = 0; i < run.Count; i++, id++)
            {
                if (run.Fate == Fate.Kept)
                    Keep(_older[run.From + i]);
                else
                    ReadRecord(id);
            }
        }
        if (_at != _header.Types.End)
            throw _input.Malformed("types that are shorter than the header says");
    }

    private void Keep(BtfParts.Record was)
    {
        for (var i = 0; i < was.Length; i++)
        {
            Put(was.Role(i) switch
            {
                WordRole.Name => was[i] == 0 ? 0 : StringOffset(_strings[_older.StringIndex(was[i])]),
                WordRole.Reference => was[i] < (uint)_ids.Length ? _ids[was[i]] : throw _input.Malformed("a reference to what is not there"),
                _ => was[i],
            });
        }
    }

    private void ReadRecord(uint id)
    {
        var info = _infos.Number();
        var kind = BtfParts.KindOf(info);
        var words = (BtfWire.TypeSize + BtfWire.TrailingSize(kind, (int)(info & BtfWire.MaxVlen))) / sizeof(uint);
        var roles = RecordLayout.Of(kind);
        for (var i = 0; i < words; i++)
        {
            Put(i == 1 ? info : roles[i] switch
            {
                WordRole.Name => StringOffset(_lastName += 1 + _names.Signed()),
                WordRole.Reference => id - (uint)_references.Signed(),
                _ => _values.Number(),
            });
        }
    }

    private uint StringOffset(int index) => (uint)index < (uint)_stringStarts.Count ? (uint)_stringStarts[index] : throw _input.Malformed("a name that is not there");

    private void Put(uint word)
    {
        if (_at + sizeof(uint) > _header.Types.End)
            throw _input.Malformed("types that are longer than the header says");
        if (_header.IsBigEndian)
            BinaryPrimitives.WriteUInt32BigEndian(_bytes.AsSpan(_at), word);
        else
            BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(_at), word);
        _at += sizeof(uint);
    }

    private void Put(ReadOnlySpan<byte> text)
    {
        if (!text.TryCopyTo(_bytes.AsSpan(_at)))
            throw _input.Malformed("strings that are longer than the header says");
        _at += text.Length;
    }
}
