using Btf.Elf;

namespace Archive.Extractor.Conversion;

/// <summary>
/// The functions that programs may call (kfuncs), as the kernel registers them: <c>.BTF_ids</c> holds sets of
/// {count, flags, pairs of id and flags}, and symbols say which set and which function stands where
/// (<c>include/linux/btf_ids.h</c>). A set counts where its flags say that it is one of kfuncs (Linux 6.9).
/// </summary>
internal sealed class KfuncSets
{
    private const string Section = ".BTF_ids";
    private const uint KfuncSet = 1;
    private const uint FastCall = 1 << 12;

    /// <summary>Flags by the hash of the function's name.</summary>
    private readonly Dictionary<ulong, uint> _flags = [];

    public static KfuncSets None { get; } = new();

    /// <summary>Tags of a function, by the hash of its name: <c>bpf_kfunc</c>, and <c>bpf_fastcall</c> where it keeps registers.</summary>
    public IEnumerable<string> TagsOf(ulong name)
    {
        if (!_flags.TryGetValue(name, out var flags))
            yield break;
        yield return "bpf_kfunc";
        if ((flags & FastCall) != 0)
            yield return "bpf_fastcall";
    }

    public static KfuncSets Read(ElfImage image, ElfSymbols? symbols)
    {
        if (symbols is null || image.Find(Section) is not { HasBytes: true } section)
            return None;
        var bytes = image.Read(section);
        var kfuncs = new KfuncSets();
        var sets = new List<(ulong Start, ulong End)>();
        var functions = new List<(ulong At, ulong Name)>();
        for (var i = 0; i < symbols.Count; i++)
        {
            var symbol = symbols[i];
            if (symbol.SectionIndex != section.Index)
                continue;
            var name = symbols.NameOf(symbol);
            var at = image.Type == ElfType.Relocatable ? symbol.Value : symbol.Value - section.Address;
            if (name.StartsWith("__BTF_ID__set8__"u8) && at <= (ulong)(bytes.Length - 8) && (image.Endian.U32(bytes.AsSpan((int)at + 4)) & KfuncSet) != 0)
                sets.Add((at, at + symbol.Size));
            else if (name.StartsWith("__BTF_ID__func__"u8) && at <= (ulong)(bytes.Length - 8) && FunctionOf(name) is { IsEmpty: false } function)
                functions.Add((at, Hash64.Of(function)));
        }
        foreach (var (at, name) in functions)
        {
            if (sets.Exists(s => at >= s.Start && at < s.End))
                kfuncs._flags[name] = image.Endian.U32(bytes.AsSpan((int)at + 4));
        }
        return kfuncs;
    }

    /// <summary>Between the prefix and the last <c>__</c>, behind which stands a number that makes the symbol unique.</summary>
    private static ReadOnlySpan<byte> FunctionOf(ReadOnlySpan<byte> symbol)
    {
        var rest = symbol["__BTF_ID__func__"u8.Length..];
        var end = rest.LastIndexOf("__"u8);
        return end > 0 ? rest[..end] : default;
    }
}
