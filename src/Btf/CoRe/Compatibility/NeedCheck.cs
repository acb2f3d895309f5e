using Btf.Format;

namespace Btf.CoRe.Compatibility;

/// <summary>Whether a kernel has what a need names.</summary>
public enum NeedAnswer : byte
{
    Present,
    Missing,

    /// <summary>BTF alone cannot tell.</summary>
    Unknown,
}

/// <summary>What is known of a kernel's functions besides its BTF, such as an inventory made of its DWARF and symbols.</summary>
public interface IKernelFunctions
{
    /// <summary>Whether a probe can be put on it by this name: false if it is only there inlined or renamed; null if it is not known.</summary>
    bool? HasSymbol(string name);

    /// <summary>A sentence for people on a function that is not there as it was asked for, or null.</summary>
    string? Explain(string name);
}

/// <summary>Answers needs from the BTF of a kernel and its modules.</summary>
internal sealed class NeedCheck(CoreTarget target, IKernelFunctions? functions)
{
    /// <summary>Prefixes of the functions that system calls enter by, of the architectures there are.</summary>
    private static readonly string[] SystemCallPrefixes =
        ["__x64_sys_", "__arm64_sys_", "__s390x_sys_", "__riscv_sys_", "__powerpc_sys_", "__ia32_sys_", "__se_sys_", "__do_sys_", "sys_"];

    /// <summary>Kernels of before 5.9 or so describe no functions.</summary>
    private readonly Lazy<bool> _describesFunctions = new(() => target.Kernel.Find(BtfKind.Func, "schedule") is not null);

    public (NeedAnswer Answer, string Explanation) Answer(Need need) => need.Kind switch
    {
        NeedKind.Function => Function(need.Name),
        NeedKind.DescribedFunction or NeedKind.KernelFunction => Described(BtfKind.Func, need.Name, "function"),
        NeedKind.KernelVariable => Described(BtfKind.Var, need.Name, "variable"),
        NeedKind.Tracepoint => Described(BtfKind.Typedef, $"btf_trace_{need.Name}", "tracepoint"),
        NeedKind.LsmHook => Described(BtfKind.Func, $"bpf_lsm_{need.Name}", "hook"),
        NeedKind.Iterator => Described(BtfKind.Func, $"bpf_iter_{need.Name}", "iterator"),
        NeedKind.StructOps => Described(BtfKind.Struct, $"bpf_struct_ops_{need.Name}", "struct_ops"),
        _ => SystemCall(need.Name),
    };

    private (NeedAnswer, string) Function(string name)
    {
        if (Has(BtfKind.Func, name))
            return (NeedAnswer.Present, "");
        var explanation = functions?.Explain(name) is { } known ? known : $"the kernel's BTF describes no function {name}";
        return functions?.HasSymbol(name) switch
        {
            true => (NeedAnswer.Present, ""),
            false => (NeedAnswer.Missing, explanation),
            // A function with several prototypes, or an optimised one, is left out of BTF and can still be probed.
            null => (_describesFunctions.Value ? NeedAnswer.Missing : NeedAnswer.Unknown, explanation),
        };
    }

    private (NeedAnswer, string) Described(BtfKind kind, string name, string what)
    {
        if (Has(kind, name))
            return (NeedAnswer.Present, "");
        if (kind == BtfKind.Func && !_describesFunctions.Value)
            return (NeedAnswer.Missing, "the kernel's BTF describes no functions");
        var explanation = kind == BtfKind.Func ? functions?.Explain(name) : null;
        return (NeedAnswer.Missing, explanation ?? $"the kernel's BTF has no {what} {name}{(target.Modules.Count == 0 ? ", and those of modules are not at hand" : "")}");
    }

    private (NeedAnswer, string) SystemCall(string name)
    {
        foreach (var prefix in SystemCallPrefixes)
        {
            if (Has(BtfKind.Func, prefix + name))
                return (NeedAnswer.Present, "");
        }
        return (NeedAnswer.Unknown, $"no function of the system call {name} is described");
    }

    private bool Has(BtfKind kind, string name) =>
        target.Kernel.Find(kind, name) is not null || target.Modules.Any(module => module.Find(kind, name) is not null);
}
