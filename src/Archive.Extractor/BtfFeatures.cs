namespace Archive.Extractor;

/// <summary>What conversion from DWARF emits; the names are those of pahole's <c>--btf_features</c> (pahole(1)).</summary>
[Flags]
public enum BtfFeatures
{
    None = 0,

    /// <summary>Per-CPU variables: VAR and their DATASEC.</summary>
    Var = 1,

    /// <summary>FLOAT (Linux 5.13); else floating-point types are INTs of the same name and size.</summary>
    Float = 1 << 1,

    /// <summary>ENUM64 (Linux 6.0); else enumerators lose their upper half.</summary>
    Enum64 = 1 << 2,

    /// <summary>DECL_TAG for <c>btf_decl_tag</c> of clang (Linux 5.16).</summary>
    DeclTag = 1 << 3,

    /// <summary>TYPE_TAG for <c>btf_type_tag</c> of clang (Linux 5.17).</summary>
    TypeTag = 1 << 4,

    /// <summary>FUNC also for functions that the compiler cloned (<c>.isra</c>, <c>.constprop</c>), where their parameters are unchanged.</summary>
    OptimizedFunc = 1 << 5,

    /// <summary>No FUNC where units disagree on the prototype, or parameters are not where the calling convention puts them.</summary>
    ConsistentFunc = 1 << 6,

    /// <summary>DECL_TAG <c>bpf_kfunc</c> for the functions that the kernel lets programs call, from <c>.BTF_ids</c>.</summary>
    DeclTagKfuncs = 1 << 7,

    /// <summary>What btfhub's flags ask of pahole.</summary>
    Btfhub = Var | Float | Enum64 | OptimizedFunc | ConsistentFunc,

    /// <summary>What the build of today's kernels asks of pahole.</summary>
    Kernel = Btfhub | DeclTag | TypeTag | DeclTagKfuncs,
}
