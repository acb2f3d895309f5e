using System.Text;
using Btf.Elf;
using Btf.Format;

namespace Btf.CoRe;

/// <summary>The bytes are an ELF file, but no BPF object that CO-RE can be asked about.</summary>
public sealed class BpfObjectException(string section, long offset, ulong? value, string problem)
    : MalformedInputException(section, offset, value, problem);

/// <summary>
/// A compiled BPF object: its types, relocations and code. Immutable; everything that is used later is read when it is opened, and
/// no more than the file's size of it.
/// </summary>
public sealed class BpfObject
{
    private const string BtfSection = ".BTF";

    private BpfObject(ElfImage elf)
    {
        Btf = BtfBlob.Parse(Read(elf, BtfSection));
        Ext = BtfExt.Parse(Read(elf, BtfExt.SectionName));
        if (Btf.IsBigEndian == elf.Endian.LittleEndian)
            throw new BpfObjectException(BtfSection, 0, null, "byte order differs from that of the ELF file");
        var symbols = ElfSymbols.Read(elf);
        Code = BpfCode.ReadAll(elf, symbols);
        WeakSymbols = symbols is null ? [] : ReadWeakSymbols(symbols);
    }

    public BtfBlob Btf { get; }

    public BtfExt Ext { get; }

    /// <summary>The sections with instructions, in the order of the file.</summary>
    public IReadOnlyList<BpfCode> Code { get; }

    /// <summary>Symbols that need not be there.</summary>
    internal HashSet<string> WeakSymbols { get; }

    /// <summary>The relocations of all sections, in the order of <c>.BTF.ext</c>.</summary>
    public IReadOnlyList<CoreRelocation> Relocations => Ext.AllRelocations;

    /// <param name="bytes">An ELF file. It is referred to.</param>
    /// <exception cref="MalformedInputException">No ELF, not for BPF, without <c>.BTF</c> or <c>.BTF.ext</c>, or broken.</exception>
    public static BpfObject Parse(ReadOnlyMemory<byte> bytes)
    {
        using var elf = ElfImage.FromBytes(bytes);
        return Read(elf);
    }

    /// <inheritdoc cref="Parse"/>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static BpfObject Open(string path)
    {
        using var elf = ElfImage.Open(path);
        return Read(elf);
    }

    private static BpfObject Read(ElfImage elf)
    {
        // Old versions of LLVM left the machine empty.
        if (elf.Machine is not (ElfMachine.Bpf or ElfMachine.None))
            throw new BpfObjectException("ELF header", 18, (ulong)elf.Machine, $"not a BPF object: built for {elf.Machine}");
        if (!elf.Is64)
            throw new BpfObjectException("ELF header", 4, 1, "not a BPF object: of 32 bits");
        return new BpfObject(elf);
    }

    /// <summary>Reads what the relocations say of the object's own types, so that what is broken is known before a kernel is asked.</summary>
    /// <exception cref="BtfFormatException">A type or name that is not there.</exception>
    public void RequireReadableRelocations()
    {
        var spec = new CoreSpec();
        foreach (var relocation in Relocations)
        {
            _ = CoreSpecParser.Parse(Btf, relocation, spec);
            _ = Btf[relocation.TypeId].NameBytes;
        }
    }

    /// <summary>The fields that the relocations are about, as <c>task_struct.mm</c>, in ordinal order, each once; of an array, the array. A pointer ends a path.</summary>
    /// <exception cref="BtfFormatException">A type or name that is not there.</exception>
    public IReadOnlyCollection<string> Fields()
    {
        var (fields, spec) = (new SortedSet<string>(StringComparer.Ordinal), new CoreSpec());
        foreach (var relocation in Relocations)
        {
            if (relocation.Kind.IsField() && CoreSpecParser.Parse(Btf, relocation, spec) == CoreFailure.None && CoreText.FieldOf(spec) is { } field)
                fields.Add(field);
        }
        return fields;
    }

    private static HashSet<string> ReadWeakSymbols(ElfSymbols symbols)
    {
        const byte weak = 2;
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < symbols.Count; i++)
        {
            if (symbols[i].Binding == weak)
                names.Add(Encoding.UTF8.GetString(symbols.NameOf(symbols[i])));
        }
        return names;
    }

    private static byte[] Read(ElfImage elf, string name)
    {
        var section = elf.Find(name);
        if (section is null || !section.HasBytes)
            throw new BpfObjectException(name, 0, null, "the object has no such section: build it with clang -g -target bpf");
        return Read(elf, section);
    }

    /// <summary>BPF objects are never compressed, and what an upload decompresses to has no bound.</summary>
    internal static byte[] Read(ElfImage elf, ElfSection section) => section.Flags.HasFlag(ElfSectionFlags.Compressed)
        ? throw new BpfObjectException(section.Name, 0, (ulong)section.Flags, "compressed sections are not read from a BPF object")
        : elf.Read(section);
}

/// <summary>A section of instructions: one or more programs of one attachment, or the functions they share (<c>.text</c>).</summary>
public sealed class BpfCode
{
    private readonly byte[] _bytes;
    private readonly EndianReader _endian;

    private BpfCode(ElfImage elf, ElfSection section)
    {
        _bytes = BpfObject.Read(elf, section);
        if (_bytes.Length % BpfInstruction.ByteSize != 0)
            throw new BpfObjectException(section.Name, 0, (ulong)_bytes.Length, "not a whole number of instructions");
        _endian = elf.Endian;
        Name = section.Name;
        Index = section.Index;
    }

    /// <summary>Says where its programs attach: <c>kprobe/do_unlinkat</c>.</summary>
    public string Name { get; }

    /// <summary>Of the ELF section.</summary>
    internal int Index { get; }

    /// <summary>Number of instructions, the second halves of wide loads included.</summary>
    public int Count => _bytes.Length / BpfInstruction.ByteSize;

    public BpfInstruction this[int index] => BpfInstruction.Read(_bytes.AsSpan(index * BpfInstruction.ByteSize, BpfInstruction.ByteSize), _endian);

    /// <summary>By the first instruction, ascending.</summary>
    public IReadOnlyList<BpfFunction> Functions { get; private set; } = [];

    /// <summary>What instructions refer to, by the index of the instruction.</summary>
    internal IReadOnlyDictionary<int, BpfReference> References { get; private set; } = new Dictionary<int, BpfReference>();

    /// <summary>The function that an instruction is of, or null.</summary>
    public BpfFunction? FunctionAt(int instruction)
    {
        var (low, high) = (0, Functions.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (Functions[middle].Start <= instruction)
                low = middle + 1;
            else
                high = middle;
        }
        return low > 0 ? Functions[low - 1] : null;
    }

    internal static List<BpfCode> ReadAll(ElfImage elf, ElfSymbols? symbols)
    {
        var code = elf.Sections
            .Where(section => section.Type == ElfSectionType.ProgBits && section.Flags.HasFlag(ElfSectionFlags.Execute) && section.Size > 0)
            .Select(section => new BpfCode(elf, section))
            .ToList();
        if (symbols is not null)
        {
            var byIndex = code.ToDictionary(section => section.Index);
            AddFunctions(byIndex, symbols);
            AddReferences(elf, byIndex, symbols);
        }
        return code;
    }

    private static void AddFunctions(Dictionary<int, BpfCode> code, ElfSymbols symbols)
    {
        var functions = code.Values.ToDictionary(section => section, _ => new List<BpfFunction>());
        for (var i = 0; i < symbols.Count; i++)
        {
            var symbol = symbols[i];
            if (symbol.Type != ElfSymbolType.Func || !code.TryGetValue(symbol.SectionIndex, out var section))
                continue;
            if (symbol.Value % BpfInstruction.ByteSize != 0 || symbol.Value >= (ulong)section._bytes.Length)
                throw new BpfObjectException(section.Name, 0, symbol.Value, "a function begins outside the section");
            functions[section].Add(new BpfFunction(section, Encoding.UTF8.GetString(symbols.NameOf(symbol)), (int)symbol.Value / BpfInstruction.ByteSize, IsLocal: symbol.Binding == 0));
        }
        foreach (var (section, list) in functions)
            section.Functions = InOrder(list);
    }

    /// <summary>Of two names for one place, the first.</summary>
    private static List<BpfFunction> InOrder(List<BpfFunction> functions)
    {
        var ordered = new List<BpfFunction>();
        foreach (var function in functions.OrderBy(function => function.Start))
        {
            if (ordered.Count == 0 || ordered[^1].Start != function.Start)
                ordered.Add(function);
        }
        return ordered;
    }

    private static void AddReferences(ElfImage elf, Dictionary<int, BpfCode> code, ElfSymbols symbols)
    {
        const int entrySize = 16;
        foreach (var table in elf.Sections)
        {
            if (table.Type != ElfSectionType.Rel || !table.HasBytes || !code.TryGetValue(table.Info, out var section))
                continue;
            var bytes = BpfObject.Read(elf, table);
            var references = new Dictionary<int, BpfReference>();
            for (var at = 0; at + entrySize <= bytes.Length; at += entrySize)
            {
                var offset = elf.Endian.U64(bytes.AsSpan(at));
                var symbolIndex = elf.Endian.U64(bytes.AsSpan(at + 8)) >> 32;
                if (offset >= (ulong)section._bytes.Length || symbolIndex >= (ulong)symbols.Count)
                    throw new BpfObjectException(table.Name, at, offset, "a relocation of what is not there");
                var symbol = symbols[(int)symbolIndex];
                references[(int)offset / BpfInstruction.ByteSize] = new(
                    symbol.SectionIndex, symbol.Value, symbol.Type == ElfSymbolType.Section ? "" : Encoding.UTF8.GetString(symbols.NameOf(symbol)));
            }
            section.References = references;
        }
    }
}

/// <summary>A function of an object. Those outside <c>.text</c> are programs.</summary>
/// <param name="Start">Its first instruction in the section.</param>
/// <param name="IsLocal">Static: verified once for each call, with what the caller knows.</param>
public sealed record BpfFunction(BpfCode Code, string Name, int Start, bool IsLocal)
{
    /// <summary>Attached by itself, not only called.</summary>
    public bool IsProgram => Code.Name != ".text" && !IsLocal;
}

/// <summary>What an instruction refers to: a place in a section, or, of section 0, a symbol of elsewhere.</summary>
internal sealed record BpfReference(int SectionIndex, ulong Value, string Symbol);
