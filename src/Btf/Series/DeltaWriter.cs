using Btf.Dedup;

namespace Btf.Series;

/// <summary>Writes one BTF as its difference from another: header, runs of strings, new strings, runs of types, and the columns of those whose record is not kept.</summary>
internal sealed class DeltaWriter
{
    private readonly BtfParts _older, _newer;

    /// <summary>By index in the older one: index or id in the newer, 0 for none (string 0 and id 0 are themselves).</summary>
    private readonly int[] _strings;
    private readonly uint[] _ids;
    private readonly ColumnWriter _infos = new(), _names = new(), _values = new(), _references = new();
    private int _lastName;

    private DeltaWriter(BtfParts older, BtfParts newer)
    {
        (_older, _newer) = (older, newer);
        (_strings, _ids) = (new int[older.StringCount], new uint[older.TypeCount + 1]);
    }

    public static ReadOnlyMemory<byte> Write(BtfParts older, BtfParts newer) => new DeltaWriter(older, newer).Write();

    private ReadOnlyMemory<byte> Write()
    {
        var (olderStrings, newerStrings) = (TypeKeys.OfStrings(_older), TypeKeys.OfStrings(_newer));
        var strings = Alignment.Find(olderStrings, newerStrings);
        for (var i = strings.Length - 1; i >= 0; i--)
        {
            if (strings[i] != Alignment.None)
                _strings[strings[i]] = i;
        }
        var types = Alignment.Find(TypeKeys.OfTypes(_older, olderStrings), TypeKeys.OfTypes(_newer, newerStrings));
        for (var i = types.Length - 1; i >= 0; i--)
        {
            if (types[i] != Alignment.None)
                _ids[types[i] + 1] = (uint)i + 1;
        }
        var output = new ColumnWriter();
        output.Number((uint)_newer.Header.Length);
        output.Bytes(_newer.Bytes.Span[.._newer.Header.Length]);
        output.Column(Runs(strings, [.. strings.Select(s => s == Alignment.None ? Fate.New : Fate.Kept)]));
        output.Column(NewStrings(strings));
        var fates = types.Select((counterpart, type) => FateOf(type, counterpart)).ToArray();
        output.Column(Runs(types, fates));
        for (var i = 0; i < types.Length; i++)
        {
            if (fates[i] != Fate.Kept)
                WriteRecord(i);
        }
        foreach (var column in (ColumnWriter[])[_infos, _names, _values, _references])
            output.Column(column);
        return output.Written;
    }

    private static ColumnWriter Runs(int[] counterparts, Fate[] fates)
    {
        var column = new ColumnWriter();
        var expected = 0;
        for (int start = 0, end; start < counterparts.Length; start = end)
        {
            var fate = fates[start];
            for (end = start + 1; end < counterparts.Length && fates[end] == fate && (fate == Fate.New || counterparts[end] == counterparts[end - 1] + 1); end++)
            {
            }
            column.Number((uint)(end - start) << 2 | (uint)fate);
            if (fate == Fate.New)
                continue;
            column.Signed(counterparts[start] - expected);
            expected = counterparts[end - 1] + 1;
        }
        return column;
    }

    private ColumnWriter NewStrings(int[] strings)
    {
        var column = new ColumnWriter();
        for (var i = 0; i < strings.Length; i++)
        {
            if (strings[i] != Alignment.None)
                continue;
            column.Bytes(_newer.Text(i));
            column.Bytes([0]);
        }
        return column;
    }

    private Fate FateOf(int type, int counterpart)
    {
        if (counterpart == Alignment.None)
            return Fate.New;
        var was = _older[counterpart];
        var now = _newer[type];
        if (was.Length != now.Length || was[1] != now[1])
            return Fate.Changed;
        for (var i = 0; i < now.Length; i++)
        {
            var becomes = now.Role(i) switch
            {
                WordRole.Name => was[i] == 0 ? 0 : _newer.StringOffset(_strings[_older.StringIndex(was[i])]),
                WordRole.Reference => was[i] < (uint)_ids.Length ? _ids[was[i]] : uint.MaxValue,
                _ => was[i],
            };
            if (becomes != now[i])
                return Fate.Changed;
        }
        return Fate.Kept;
    }

    private void WriteRecord(int type)
    {
        var record = _newer[type];
        _infos.Number(record[1]);
        for (var i = 0; i < record.Length; i++)
        {
            if (i != 1)
                Write(record.Role(i), record[i], type);
        }
    }

    private void Write(WordRole role, uint word, int type)
    {
        switch (role)
        {
            case WordRole.Name:
                var name = _newer.StringIndex(word);
                _names.Signed(name - _lastName - 1);
                _lastName = name;
                break;
            case WordRole.Reference:
                _references.Signed((int)((uint)type + 1 - word));
                break;
            default:
                _values.Number(word);
                break;
        }
    }
}
