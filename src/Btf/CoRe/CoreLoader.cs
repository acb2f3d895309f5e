namespace Btf.CoRe;

/// <summary>Which loader's rules count.</summary>
public enum CoreLoader : byte
{
    Libbpf,

    /// <summary>cilium/ebpf: takes the candidate on which the fewest relocations fail.</summary>
    Cilium,
}
