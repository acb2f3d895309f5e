using Btf.Format;

namespace Btf.CoRe.Compatibility;

/// <summary>What a program needs of a kernel besides its types.</summary>
public enum NeedKind : byte
{
    /// <summary>kprobe and the like: a function that is not inlined everywhere.</summary>
    Function,

    /// <summary>fentry and the like: a function that the kernel's BTF describes.</summary>
    DescribedFunction,

    /// <summary>tp_btf, raw_tp, tracepoint: an event of the kernel.</summary>
    Tracepoint,

    /// <summary>ksyscall, and the events of system calls.</summary>
    SystemCall,

    /// <summary>lsm: a hook of the security modules.</summary>
    LsmHook,

    /// <summary>iter: a kind of object to go through.</summary>
    Iterator,

    /// <summary>A struct of functions that the kernel takes from BPF.</summary>
    StructOps,

    /// <summary>A kernel function that the program calls.</summary>
    KernelFunction,

    /// <summary>A variable of the kernel whose type the program knows.</summary>
    KernelVariable,
}

/// <summary>A need of an object.</summary>
/// <param name="Name">Of the function, event, hook or type.</param>
/// <param name="Of">The section, or the symbol, that says so.</param>
/// <param name="IsOptional">A weak symbol, or a program that is not loaded unless asked for.</param>
public sealed record Need(NeedKind Kind, string Name, string Of, bool IsOptional);

/// <summary>Reads from section names and extern symbols what an object needs (the section names are libbpf's).</summary>
internal static class Needs
{
    /// <summary>Each is looked up in every kernel; real objects have some dozens.</summary>
    private const int MaxNeeds = 10_000;

    private static readonly (string Prefix, NeedKind Kind)[] Sections =
    [
        ("kprobe/", NeedKind.Function), ("kretprobe/", NeedKind.Function),
        ("kprobe.multi/", NeedKind.Function), ("kretprobe.multi/", NeedKind.Function), ("kprobe.session/", NeedKind.Function),
        ("fentry/", NeedKind.DescribedFunction), ("fentry.s/", NeedKind.DescribedFunction),
        ("fexit/", NeedKind.DescribedFunction), ("fexit.s/", NeedKind.DescribedFunction),
        ("fmod_ret/", NeedKind.DescribedFunction), ("fmod_ret.s/", NeedKind.DescribedFunction),
        ("fsession/", NeedKind.DescribedFunction), ("fsession.s/", NeedKind.DescribedFunction),
        ("tp_btf/", NeedKind.Tracepoint), ("raw_tp/", NeedKind.Tracepoint), ("raw_tracepoint/", NeedKind.Tracepoint),
        ("raw_tp.w/", NeedKind.Tracepoint), ("raw_tracepoint.w/", NeedKind.Tracepoint),
        ("tp/", NeedKind.Tracepoint), ("tracepoint/", NeedKind.Tracepoint),
        ("ksyscall/", NeedKind.SystemCall), ("kretsyscall/", NeedKind.SystemCall),
        ("lsm/", NeedKind.LsmHook), ("lsm.s/", NeedKind.LsmHook), ("lsm_cgroup/", NeedKind.LsmHook),
        ("iter/", NeedKind.Iterator), ("iter.s/", NeedKind.Iterator),
    ];

    /// <exception cref="BpfObjectException">There are more than an object can mean.</exception>
    public static List<Need> Of(BpfObject item)
    {
        var needs = item.Code.Where(code => code.Functions.Count > 0).Select(OfSection).OfType<Need>().ToList();
        foreach (var section in item.Btf.Types)
        {
            if (section.Kind != BtfKind.Datasec)
                continue;
            if (section.NameBytes.SequenceEqual(".ksyms"u8))
                needs.AddRange(OfSymbols(item, section));
            else if (section.NameBytes.StartsWith(".struct_ops"u8))
                needs.AddRange(OfStructOps(item.Btf, section));
        }
        List<Need> distinct = [.. needs.Distinct()];
        return distinct.Count <= MaxNeeds
            ? distinct
            : throw new BpfObjectException(".ksyms", 0, (ulong)distinct.Count, $"more than {MaxNeeds} functions, events and symbols are needed");
    }

    private static Need? OfSection(BpfCode code)
    {
        var isOptional = code.Name.StartsWith('?');
        var name = isOptional ? code.Name[1..] : code.Name;
        foreach (var (prefix, kind) in Sections)
        {
            if (name.StartsWith(prefix, StringComparison.Ordinal))
                return Attached(kind, name[prefix.Length..], code.Name, isOptional);
        }
        return null;
    }

    private static Need? Attached(NeedKind kind, string target, string section, bool isOptional)
    {
        // Patterns ask for what there is; an offset or a module is not part of the name.
        if (target.Length == 0 || target.AsSpan().ContainsAny('*', '?'))
            return null;
        var parts = target.Split('/');
        if (kind == NeedKind.Tracepoint && parts is ["syscalls", var call])
            return new(NeedKind.SystemCall, SystemCallOf(call), section, isOptional);
        var name = kind == NeedKind.Tracepoint ? parts[^1] : parts[0].Split('+')[0].Split(':')[^1];
        return new(kind, name, section, isOptional);
    }

    private static string SystemCallOf(string tracepoint) => tracepoint.StartsWith("sys_enter_", StringComparison.Ordinal)
        ? tracepoint["sys_enter_".Length..]
        : tracepoint.Replace("sys_exit_", "", StringComparison.Ordinal);

    private static IEnumerable<Need> OfSymbols(BpfObject item, BtfType section)
    {
        for (var i = 0; i < section.Vlen; i++)
        {
            var symbol = item.Btf[section.DatasecEntries[i].TypeId];
            var isOptional = item.WeakSymbols.Contains(symbol.Name);
            if (symbol.Kind == BtfKind.Func)
                yield return new(NeedKind.KernelFunction, Flavourless(symbol), ".ksyms", isOptional);
            // One without a type is looked up among the kernel's symbols, which BTF does not list.
            else if (symbol.Kind == BtfKind.Var && TypeSteps.Underlying(item.Btf, symbol.SizeOrType).Kind != BtfKind.Void)
                yield return new(NeedKind.KernelVariable, symbol.Name, ".ksyms", isOptional);
        }
    }

    private static string Flavourless(in BtfType symbol) => System.Text.Encoding.UTF8.GetString(EssentialName.Of(symbol.NameBytes));

    private static IEnumerable<Need> OfStructOps(BtfBlob btf, BtfType section)
    {
        for (var i = 0; i < section.Vlen; i++)
        {
            var type = TypeSteps.Underlying(btf, btf[section.DatasecEntries[i].TypeId].SizeOrType);
            yield return new(NeedKind.StructOps, System.Text.Encoding.UTF8.GetString(EssentialName.Of(type.NameBytes)), section.Name, section.NameBytes[0] == (byte)'?');
        }
    }
}
