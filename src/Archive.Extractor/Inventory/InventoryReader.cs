using System.Runtime.ExceptionServices;
using System.Text;
using Archive.Extractor.Conversion;
using Archive.Extractor.Dwarf;
using Btf.Elf;

namespace Archive.Extractor.Inventory;

/// <summary>
/// Takes the inventory of a kernel image: a walk over all DIEs that looks at subprograms only, and one over the symbols.
/// It is apart from the conversion to BTF, which a kernel that ships its own does without.
/// </summary>
internal static class InventoryReader
{
    /// <summary>Bytes and characters of file tables for each byte of line tables, and at least. A kernel's units take some seven.</summary>
    private const long MaxPathReads = 64;
    private const long AlwaysPathBytes = 4 << 20;

    /// <summary>A function as one unit tells it.</summary>
    /// <param name="Origin">Of a concrete instance: the DIE that has its name and file; 0 for none.</param>
    private readonly record struct Seen(uint Offset, uint Origin, ulong Name, int File, FunctionTraits Traits);

    public static KernelInventory Read(ElfImage image, ElfImage? supplementary, int threads, CancellationToken cancellation)
    {
        var symbols = ElfSymbols.Read(image);
        var inventory = ReadSymbols(symbols);
        if (image.Find(".debug_info") is not { HasBytes: true })
            return inventory;
        var sections = new DebugSections(image, supplementary);
        var table = new NameTable(sections.Str);
        var pathRoom = MaxPathReads * ((image.Find(".debug_line")?.Size ?? 0) + sections.LineStr.Length) + AlwaysPathBytes;
        var readers = new List<(NameReader Names, Dictionary<(ulong Name, string File), FunctionTraits> Functions)>();
        var next = -1;
        try
        {
            Parallel.For(0, Math.Max(1, threads), new ParallelOptions { CancellationToken = cancellation }, _ =>
            {
                var worker = new Worker(sections, table, pathRoom);
                while (!cancellation.IsCancellationRequested && Interlocked.Increment(ref next) is var unit && unit < sections.Units.Count)
                    worker.Read(sections.Units[unit]);
                lock (readers)
                    readers.Add((worker.Names, worker.Functions));
            });
        }
        catch (AggregateException failures)
        {
            ExceptionDispatchInfo.Throw(failures.InnerExceptions[0]);
        }
        var texts = new NameTexts(sections.Str, NameIdentity.Content, table, [.. readers.Select(r => r.Names)]);
        return inventory with { Functions = Merge(readers.SelectMany(r => r.Functions), texts) };
    }

    private static List<InventoryFunction> Merge(IEnumerable<KeyValuePair<(ulong Name, string File), FunctionTraits>> seen, NameTexts texts)
    {
        var merged = new Dictionary<(ulong Name, string File), FunctionTraits>();
        foreach (var (key, traits) in seen)
            merged[key] = merged.GetValueOrDefault(key) | traits;
        var root = RootOf(merged.Keys.Select(k => k.File));
        var functions = merged.Select(f => new InventoryFunction(WithoutRoot(f.Key.File, root), Encoding.UTF8.GetString(texts.OfHash(f.Key.Name)), f.Value)).ToList();
        functions.Sort((a, b) => string.CompareOrdinal(a.File, b.File) is not 0 and var order ? order : string.CompareOrdinal(a.Name, b.Name));
        return functions;
    }

    /// <summary>The folder that all absolute paths have in common: where the source lay when it was built.</summary>
    private static string RootOf(IEnumerable<string> files)
    {
        string? root = null;
        foreach (var file in files)
        {
            if (!file.StartsWith('/'))
                continue;
            root ??= file[..(file.LastIndexOf('/') + 1)];
            while (!file.StartsWith(root, StringComparison.Ordinal))
                root = root[..(root.LastIndexOf('/', root.Length - 2) + 1)];
        }
        return root ?? "";
    }

    private static string WithoutRoot(string file, string root)
    {
        var path = root.Length > 1 && file.StartsWith(root, StringComparison.Ordinal) ? file[root.Length..] : file;
        return path.StartsWith("./", StringComparison.Ordinal) ? path[2..] : path;
    }

    private static KernelInventory ReadSymbols(ElfSymbols? symbols)
    {
        var addresses = new Dictionary<string, HashSet<ulong>>(StringComparer.Ordinal);
        var suffixed = new SortedSet<string>(StringComparer.Ordinal);
        var tracepoints = new SortedSet<string>(StringComparer.Ordinal);
        var prefix = "__tracepoint_"u8;
        for (var i = 0; i < (symbols?.Count ?? 0); i++)
        {
            var symbol = symbols![i];
            var name = symbols.NameOf(symbol);
            if (symbol.Type == ElfSymbolType.Func)
            {
                var text = Encoding.UTF8.GetString(name);
                if (!addresses.TryGetValue(text, out var at))
                    addresses.Add(text, at = []);
                at.Add(symbol.Value);
                if (text.IndexOf('.', StringComparison.Ordinal) > 0)
                    suffixed.Add(text);
            }
            else if (symbol.Type == ElfSymbolType.Object && name.StartsWith(prefix))
            {
                tracepoints.Add(Encoding.UTF8.GetString(name[prefix.Length..]));
            }
        }
        return new KernelInventory
        {
            SuffixedSymbols = [.. suffixed],
            DuplicateSymbols = [.. addresses.Where(a => a.Value.Count > 1).OrderBy(a => a.Key, StringComparer.Ordinal).Select(a => (a.Key, a.Value.Count))],
            Tracepoints = [.. tracepoints],
        };
    }

    /// <param name="pathRoom">See <see cref="LineTableFiles.Read"/>.</param>
    private sealed class Worker(DebugSections sections, NameTable table, long pathRoom)
    {
        private readonly AbbrevTable _abbrevs = new();
        private readonly Field[] _scratch = new Field[(int)Slot.SlotCount];
        private readonly List<Seen> _seen = [];
        private readonly Dictionary<uint, int> _byOffset = [];
        private byte[] _buffer = [];
        private long _pathRoom = pathRoom;

        public NameReader Names { get; } = new(sections, table, NameIdentity.Content);

        public Dictionary<(ulong Name, string File), FunctionTraits> Functions { get; } = [];

        public void Read(UnitHeader unit)
        {
            var bytes = sections.Read(unit, ref _buffer);
            _abbrevs.Load(sections.AbbrevOf(unit), unit, sections.Endian);
            var reader = new DieReader(sections, _abbrevs, unit, bytes, _scratch);
            if (reader.AtEnd || reader.Next() < 0 || DwLang.IsSkipped((ushort)reader.Constant(Slot.Language)))
                return;
            unit = reader.WithBases();
            var lines = reader.Has(Slot.StmtList) ? reader.Address(Slot.StmtList) : ulong.MaxValue;
            reader = new DieReader(sections, _abbrevs, unit, bytes, _scratch) { Position = reader.Position };
            ReadFunctions(ref reader, unit);
            if (_seen.Count > 0)
                Add(lines == ulong.MaxValue ? [] : LineTableFiles.Read(sections, Names, unit, lines, ref _pathRoom));
        }

        private void ReadFunctions(ref DieReader reader, in UnitHeader unit)
        {
            _seen.Clear();
            _byOffset.Clear();
            while (!reader.AtEnd)
            {
                var offset = (uint)(unit.Offset + reader.Position);
                var index = reader.Next();
                if (index < 0 || _abbrevs[index].Role != DieRole.Subprogram || reader.Flag(Slot.Declaration))
                    continue;
                var traits = reader.Flag(Slot.External) ? FunctionTraits.External : FunctionTraits.None;
                if (reader.Constant(Slot.Inline) is 1 or 3)
                    traits |= FunctionTraits.Inlined;
                if (reader.Has(Slot.LowPc) || reader.Has(Slot.Ranges))
                    traits |= FunctionTraits.Code;
                var origin = reader.Has(Slot.AbstractOrigin) ? reader.Reference(Slot.AbstractOrigin) : reader.Reference(Slot.Specification);
                _byOffset[offset] = _seen.Count;
                _seen.Add(new Seen(offset, origin, Names.HashOf(reader.Name(Slot.Name), reader), (int)Math.Min(reader.Constant(Slot.DeclFile), int.MaxValue), traits));
            }
        }

        private void Add(string[] files)
        {
            foreach (var function in _seen)
            {
                var named = function.Name == 0 && _byOffset.TryGetValue(function.Origin, out var origin) ? _seen[origin] : function;
                if (named.Name == 0)
                    continue;
                var key = (named.Name, named.File < files.Length ? files[named.File] : "");
                Functions[key] = Functions.GetValueOrDefault(key) | function.Traits | (named.Traits & FunctionTraits.External);
            }
        }
    }
}
