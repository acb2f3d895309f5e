using System.Globalization;
using System.Text;
using Archive.Extractor.Packages;

namespace Archive.Extractor.Inventory;

/// <summary>What one file of the source says of a function.</summary>
[Flags]
public enum FunctionTraits
{
    None = 0,

    /// <summary>DW_AT_external: visible outside its file.</summary>
    External = 1,

    /// <summary>The compiler inlined it into some caller.</summary>
    Inlined = 1 << 1,

    /// <summary>It has code of its own. One that is inlined and has none is inlined everywhere.</summary>
    Code = 1 << 2,
}

/// <summary>A function of a file.</summary>
/// <param name="File">Where it is declared, from the root of the source tree where that is known.</param>
public readonly record struct InventoryFunction(string File, string Name, FunctionTraits Traits);

/// <summary>
/// What else a kernel image says that is of use once it is gone: which functions can be attached to, and why others cannot.
/// <para>The text form has one entry a line, sorted, names last:</para>
/// <code>
/// btf-archive inventory 1
/// file kernel/sched/core.c
/// gc schedule               g global or s static, i inlined somewhere, c has code; of the file above
/// symbol foo.isra.0         a function symbol with a suffix
/// duplicate 2 foo           a function symbol that stands at several addresses
/// tracepoint sched_switch
/// config CONFIG_BPF=y
/// </code>
/// </summary>
public sealed record KernelInventory
{
    public const int Version = 1;

    private const int XzPreset = 6;
    private const int XzBlockBytes = 4 << 20;

    public IReadOnlyList<InventoryFunction> Functions { get; init; } = [];

    /// <summary>Function symbols with a suffix: <c>.isra</c>, <c>.constprop</c>, <c>.part</c>, <c>.cold</c>.</summary>
    public IReadOnlyList<string> SuffixedSymbols { get; init; } = [];

    /// <summary>Names of function symbols at more than one address, with how many.</summary>
    public IReadOnlyList<(string Name, int Count)> DuplicateSymbols { get; init; } = [];

    public IReadOnlyList<string> Tracepoints { get; init; } = [];

    /// <summary>The options that the kernel was configured with, as <c>CONFIG_BPF=y</c>; empty where neither package nor image tell.</summary>
    public IReadOnlyList<string> Config { get; init; } = [];

    /// <summary>The text form as UTF-8; equal inventories, equal bytes.</summary>
    public byte[] Write()
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"btf-archive inventory {Version}\n");
        string? file = null;
        foreach (var function in Functions)
        {
            if (function.File != file)
                text.Append("file ").Append(file = function.File).Append('\n');
            text.Append(function.Traits.HasFlag(FunctionTraits.External) ? 'g' : 's');
            if (function.Traits.HasFlag(FunctionTraits.Inlined))
                text.Append('i');
            if (function.Traits.HasFlag(FunctionTraits.Code))
                text.Append('c');
            text.Append(' ').Append(function.Name).Append('\n');
        }
        foreach (var symbol in SuffixedSymbols)
            text.Append("symbol ").Append(symbol).Append('\n');
        foreach (var (name, count) in DuplicateSymbols)
            text.Append(CultureInfo.InvariantCulture, $"duplicate {count} {name}\n");
        foreach (var tracepoint in Tracepoints)
            text.Append("tracepoint ").Append(tracepoint).Append('\n');
        foreach (var option in Config)
            text.Append("config ").Append(option).Append('\n');
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    /// <summary>The text form, compressed as .xz; the same bytes for any number of threads.</summary>
    public byte[] WriteCompressed(int threads) => Codecs.EncodeXz(Write(), XzPreset, XzBlockBytes, threads);

    /// <summary>Reads the text form.</summary>
    /// <exception cref="FormatException">A line that is none, or a later version.</exception>
    public static KernelInventory Read(ReadOnlySpan<byte> text)
    {
        var lines = Encoding.UTF8.GetString(text).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length == 0 || lines[0] != string.Create(CultureInfo.InvariantCulture, $"btf-archive inventory {Version}"))
            throw new FormatException($"not an inventory of version {Version}: '{lines.FirstOrDefault()}'");
        var functions = new List<InventoryFunction>();
        var (symbols, tracepoints, config) = (new List<string>(), new List<string>(), new List<string>());
        var duplicates = new List<(string, int)>();
        var file = "";
        foreach (var line in lines.AsSpan(1))
        {
            var words = line.Split(' ', 2);
            if (words.Length != 2)
                throw new FormatException($"inventory line '{line}'");
            switch (words[0])
            {
                case "file":
                    file = words[1];
                    break;
                case "symbol":
                    symbols.Add(words[1]);
                    break;
                case "tracepoint":
                    tracepoints.Add(words[1]);
                    break;
                case "config":
                    config.Add(words[1]);
                    break;
                case "duplicate" when words[1].Split(' ', 2) is [var count, var name] && int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var times):
                    duplicates.Add((name, times));
                    break;
                default:
                    functions.Add(new InventoryFunction(file, words[1], TraitsOf(words[0], line)));
                    break;
            }
        }
        return new KernelInventory { Functions = functions, SuffixedSymbols = symbols, DuplicateSymbols = duplicates, Tracepoints = tracepoints, Config = config };
    }

    private static FunctionTraits TraitsOf(string letters, string line) => letters switch
    {
        "g" => FunctionTraits.External,
        "s" => FunctionTraits.None,
        "gi" => FunctionTraits.External | FunctionTraits.Inlined,
        "si" => FunctionTraits.Inlined,
        "gc" => FunctionTraits.External | FunctionTraits.Code,
        "sc" => FunctionTraits.Code,
        "gic" => FunctionTraits.External | FunctionTraits.Inlined | FunctionTraits.Code,
        "sic" => FunctionTraits.Inlined | FunctionTraits.Code,
        _ => throw new FormatException($"inventory line '{line}'"),
    };
}
