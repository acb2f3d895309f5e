using Archive.Extractor.Dwarf;

namespace Archive.Extractor.Conversion;

/// <summary>The text of the names, once reading is done.</summary>
internal sealed class NameTexts
{
    private readonly byte[] _str;
    private readonly NameIdentity _identity;
    private readonly Dictionary<ulong, uint> _offsets;
    private readonly Dictionary<ulong, byte[]> _kept = [];

    public NameTexts(byte[] str, NameIdentity identity, NameTable table, NameReader[] readers)
    {
        (_str, _identity, _offsets) = (str, identity, table.Offsets());
        foreach (var reader in readers)
        {
            foreach (var (hash, text) in reader.Kept)
                _kept.TryAdd(hash, text);
        }
    }

    /// <summary>Of the name of a type, member, enumerator or parameter, by its identity.</summary>
    public ReadOnlySpan<byte> OfIdentity(ulong name)
    {
        if (_identity == NameIdentity.Content || name == 0 || _kept.ContainsKey(name))
            return OfHash(name);
        return NameReader.Terminated(_str, Hash64.Unspread(name) - 1, ".debug_str");
    }

    /// <summary>Of the name of a function or variable, by the hash of its text.</summary>
    public ReadOnlySpan<byte> OfHash(ulong name) => name == 0 ? default
        : _offsets.TryGetValue(name, out var offset) ? NameReader.Terminated(_str, offset, ".debug_str") : _kept[name];
}
