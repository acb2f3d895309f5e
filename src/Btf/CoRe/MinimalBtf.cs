using Btf.Format;

namespace Btf.CoRe;

/// <summary>How minimal BTF is made. The defaults give what <c>bpftool gen min_core_btf</c> gives.</summary>
public sealed record MinimalBtfOptions
{
    public static MinimalBtfOptions Default { get; } = new();

    /// <summary>Leaves out relocations that no loader can resolve, instead of refusing the object.</summary>
    public bool SkipRefusals { get; init; }

    /// <summary>Keeps every candidate that matches, for loaders that choose another than the first.</summary>
    public bool KeepAllCandidates { get; init; }

    /// <summary>Bytes of the header: 24, or 32 with an empty layout section as bpftool writes it since 2026.</summary>
    public int HeaderSize { get; init; } = BtfWire.HeaderSize;

    /// <summary>Byte order of the result; null for that of the kernel's BTF.</summary>
    public bool? BigEndian { get; init; }

    /// <summary>For loaders that do not know ENUM64 (libbpf before 1.0): an ENUM of its size stands in, with the lower 32 bits of each value.</summary>
    public bool WithoutEnum64 { get; init; }

    /// <summary>For loaders that do not know TYPE_TAG (libbpf before 0.7): what it tags stands in its place.</summary>
    public bool WithoutTags { get; init; }
}

/// <summary>A relocation of an object cannot be resolved on any kernel of this kind, so no minimal BTF would do.</summary>
/// <param name="relocation">The offending one.</param>
/// <param name="failure">Why.</param>
/// <param name="access">The local access in C notation.</param>
public sealed class CoreRefusalException(CoreRelocation relocation, CoreFailure failure, string access)
    : MalformedInputException(BtfExt.SectionName, relocation.InstructionOffset, (ulong)relocation.Kind,
        $"{relocation.Kind.LogName()} of {access} cannot be resolved: {CoreText.Of(failure)}")
{
    public CoreFailure Failure { get; } = failure;
    public CoreRelocation Relocation { get; } = relocation;
}

/// <summary>
/// The part of a kernel's BTF that the CO-RE relocations of some objects need: types on their access paths, members on
/// them, sizes and offsets unchanged. Functions and variables are not in it: fentry, kfuncs, ksyms and struct_ops need the kernel's own BTF.
/// </summary>
/// <remarks>Types keep their order, so equal input gives equal bytes.</remarks>
public sealed class MinimalBtf
{
    private readonly CoreTarget _target;
    private readonly MinimalBtfOptions _options;
    private readonly TypeMarks _marks;

    /// <param name="target">The kernel, and modules whose types count too.</param>
    public MinimalBtf(CoreTarget target, MinimalBtfOptions? options = null)
    {
        _target = target;
        _options = options ?? MinimalBtfOptions.Default;
        _marks = new TypeMarks();
    }

    /// <summary>Minimal BTF of one kernel for some objects.</summary>
    /// <inheritdoc cref="Add"/>
    public static byte[] Make(CoreTarget target, IEnumerable<BpfObject> objects, MinimalBtfOptions? options = null)
    {
        var minimal = new MinimalBtf(target, options);
        foreach (var item in objects)
            minimal.Add(item);
        return minimal.ToBytes();
    }

    /// <summary>Adds what an object needs.</summary>
    /// <exception cref="CoreRefusalException">A relocation that loaders refuse, unless such are skipped.</exception>
    /// <exception cref="BtfFormatException">The object's BTF, or the kernel's, is broken.</exception>
    public void Add(BpfObject item)
    {
        var matches = 0;
        var resolver = new CoreResolver(item.Btf, _target)
        {
            OnMatch = spec =>
            {
                if (matches++ == 0 || _options.KeepAllCandidates)
                    _marks.Add(spec);
            },
        };
        foreach (var relocation in item.Ext.AllRelocations)
        {
            matches = 0;
            var outcome = resolver.Resolve(relocation);
            if (outcome.Failure.IsRefusal() && !_options.SkipRefusals)
                throw new CoreRefusalException(relocation, outcome.Failure, CoreText.Of(resolver.LocalSpec));
        }
    }

    public byte[] ToBytes() => MarkedTypesWriter.Write(_marks, _target, _options);
}
