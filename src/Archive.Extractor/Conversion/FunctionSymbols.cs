using Btf.Elf;

namespace Archive.Extractor.Conversion;

/// <summary>
/// The functions of the ELF symbol table by name without suffix: <c>foo</c>, <c>foo.isra.0</c> and <c>foo.constprop.1</c> are
/// one entry. <c>.cold</c> and <c>.part</c> are pieces of functions, not functions.
/// </summary>
internal sealed class FunctionSymbols
{
    private readonly Dictionary<ulong, Entry> _entries = [];
    private readonly bool _clones;

    private FunctionSymbols(bool clones) => _clones = clones;

    /// <summary>One name: the addresses of its symbols, and which of them have changed signatures by their suffix.</summary>
    public sealed class Entry(ulong address, bool optimized)
    {
        private readonly (ulong Address, bool Optimized) _first = (address, optimized);

        /// <summary>Few names have more than one symbol.</summary>
        private List<(ulong Address, bool Optimized)>? _others;

        /// <summary>The name stands at more than one address: attaching by name would be a guess.</summary>
        public bool IsAmbiguous { get; private set; }

        public bool HasAddress(ulong address) => _first.Address == address || _others?.Exists(s => s.Address == address) == true;

        /// <summary>The symbol at this address was made by an optimisation that changes parameters.</summary>
        public bool IsOptimizedAt(ulong address) => address != 0 && (_first == (address, true) || _others?.Contains((address, true)) == true);

        internal void Add(ulong address, bool optimized)
        {
            IsAmbiguous |= _first.Address != address;
            (_others ??= []).Add((address, optimized));
        }
    }

    public int Count => _entries.Count;

    /// <summary>By the hash of the name; null where no function has it.</summary>
    public Entry? Find(ulong name) => _entries.GetValueOrDefault(name);

    public bool Contains(ulong name) => _entries.ContainsKey(name);

    /// <summary>The functions of the image; none where it is stripped.</summary>
    /// <param name="clones">Take functions with a suffix as well.</param>
    public static FunctionSymbols Read(ElfSymbols? symbols, bool clones)
    {
        var functions = new FunctionSymbols(clones);
        for (var i = 0; i < (symbols?.Count ?? 0); i++)
        {
            var symbol = symbols![i];
            if (symbol.Type == ElfSymbolType.Func)
                functions.Add(symbols.NameOf(symbol), symbol.Value);
        }
        return functions;
    }

    private void Add(ReadOnlySpan<byte> name, ulong address)
    {
        var dot = name.IndexOf((byte)'.');
        var suffix = dot < 0 ? default : name[dot..];
        if (dot >= 0 && !_clones)
            return;
        if (suffix.IndexOf(".cold"u8) >= 0 || suffix.IndexOf(".part"u8) >= 0)
            return;
        var stem = dot < 0 ? name : name[..dot];
        if (stem.IsEmpty)
            return;
        var hash = Hash64.Of(stem);
        var optimized = suffix.IndexOf(".constprop"u8) >= 0 || suffix.IndexOf(".isra"u8) >= 0;
        if (!_entries.TryGetValue(hash, out var entry))
            _entries.Add(hash, new Entry(address, optimized));
        else
            entry.Add(address, optimized);
    }
}
