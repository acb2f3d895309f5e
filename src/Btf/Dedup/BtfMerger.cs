using Btf.Format;

namespace Btf.Dedup;

/// <summary>
/// Puts the BTF of modules in relation to that of their kernel: as split BTF on it (what the kernel and cilium/ebpf read),
/// or flattened with it into one (what libbpf's <c>btf_custom_path</c> takes, a single file).
/// </summary>
/// <remarks><see cref="Split"/> may be called from several threads as long as <see cref="Add"/> is not.</remarks>
public sealed class BtfMerger
{
    private readonly TypeTable _table;
    private readonly bool _littleEndian;

    /// <param name="kernel">BTF of the kernel, deduplicated.</param>
    public BtfMerger(BtfBlob kernel)
    {
        _littleEndian = !kernel.IsBigEndian;
        _table = new TypeTable(kernel);
    }

    /// <summary>Split BTF of a module: what the kernel's BTF does not hold.</summary>
    /// <param name="module">BTF of the whole module, each type once; or split BTF on this kernel's.</param>
    public byte[] Split(BtfBlob module)
    {
        var split = new TypeTable(_table);
        new ModuleAbsorber(split, module, typesOnly: false).Run();
        return split.ToBytes(_littleEndian);
    }

    /// <summary>Adds the types and functions of a module for <see cref="Flatten"/>. Its variables are left out: offsets into a module's own section say nothing beside the kernel's.</summary>
    /// <inheritdoc cref="Split"/>
    public void Add(BtfBlob module) => new ModuleAbsorber(_table, module, typesOnly: true).Run();

    /// <summary>One BTF of the kernel and all modules added: declarations that a module defines are replaced by the definition.</summary>
    public byte[] Flatten() => ForwardResolution.Apply(_table).ToBytes(_littleEndian);
}
