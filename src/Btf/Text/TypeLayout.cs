using Btf.Format;

namespace Btf.Text;

/// <summary>
/// Sizes and natural alignments in bytes, as BTF lets them be known: it stores no alignment, so a scalar counts as aligned to its
/// size, at most to a pointer's, and a struct to its strictest member. What has no size (void, functions, declarations) is 0 and 0.
/// </summary>
/// <remarks>Remembers what it worked out; not safe for concurrent use.</remarks>
public sealed class TypeLayout(BtfBlob blob)
{
    /// <summary>How deep types may lie in each other: the kernel's verifier goes to 32 (<c>MAX_RESOLVE_DEPTH</c>).</summary>
    internal const int MaxDepth = 256;

    private readonly sbyte[] _alignments = new sbyte[blob.EndId];

    public BtfBlob Blob { get; } = blob;

    /// <summary>The type behind typedefs and qualifiers.</summary>
    /// <exception cref="BtfFormatException">They lead too deep, or out of range.</exception>
    public BtfType Resolve(uint id)
    {
        for (var depth = 0; depth < MaxDepth; depth++)
        {
            var type = Blob[id];
            if (!type.IsModifier)
                return type;
            id = type.SizeOrType;
        }
        throw TooDeep(id);
    }

    /// <exception cref="BtfFormatException">Types nest too deep, or the size is past 4 GiB.</exception>
    public long SizeOf(uint id)
    {
        var elements = 1L;
        for (var depth = 0; depth < MaxDepth; depth++)
        {
            var type = Resolve(id);
            if (type.Kind != BtfKind.Array)
                return Checked(elements * ScalarSize(type), id);
            elements = Checked(elements * type.Array.ElementCount, id);
            id = type.Array.ElementTypeId;
        }
        throw TooDeep(id);
    }

    /// <exception cref="BtfFormatException">Types nest too deep.</exception>
    public int AlignmentOf(uint id) => AlignmentOf(id, 0);

    /// <summary>
    /// Whether a struct can only be laid out so with <c>__attribute__((packed))</c>: a member stands where its type may not, or
    /// the size is no multiple of the strictest alignment.
    /// </summary>
    public bool IsPacked(in BtfType composite)
    {
        var strictest = 1;
        foreach (var member in composite.Members)
        {
            var alignment = AlignmentOf(member.TypeId);
            if (IsMisplaced(member, alignment))
                return true;
            strictest = Math.Max(strictest, alignment);
        }
        return composite.SizeOrType % strictest != 0;
    }

    private int AlignmentOf(uint id, int depth)
    {
        if (id >= Blob.EndId)
            throw new BtfFormatException(BtfBlob.TypesSection, 0, id, "type id out of range");
        if (depth > MaxDepth)
            throw TooDeep(id);
        if (_alignments[id] == 0)
            _alignments[id] = (sbyte)(1 + FindAlignment(Blob[id], depth + 1));
        return _alignments[id] - 1;
    }

    private int FindAlignment(in BtfType type, int depth) => type.Kind switch
    {
        BtfKind.Ptr => Blob.PointerSize,
        BtfKind.Int or BtfKind.Float or BtfKind.Enum or BtfKind.Enum64 => (int)Math.Min((uint)Blob.PointerSize, type.SizeOrType),
        BtfKind.Array => AlignmentOf(type.Array.ElementTypeId, depth),
        BtfKind.Struct or BtfKind.Union => CompositeAlignment(type, depth),
        _ => type.IsModifier ? AlignmentOf(type.SizeOrType, depth) : 0,
    };

    private int CompositeAlignment(in BtfType composite, int depth)
    {
        var strictest = 1;
        foreach (var member in composite.Members)
        {
            var alignment = AlignmentOf(member.TypeId, depth);
            if (IsMisplaced(member, alignment))
                return 1;
            strictest = Math.Max(strictest, alignment);
        }
        return composite.SizeOrType % strictest == 0 ? strictest : 1;
    }

    private static bool IsMisplaced(in BtfMember member, int alignment) =>
        alignment != 0 && member.BitfieldSize == 0 && member.BitOffset % (8 * alignment) != 0;

    private long ScalarSize(in BtfType type) => type.Kind switch
    {
        BtfKind.Ptr => Blob.PointerSize,
        _ => type.HasSize ? type.SizeOrType : 0,
    };

    private static long Checked(long size, uint id) => size <= uint.MaxValue ? size
        : throw new BtfFormatException(BtfBlob.TypesSection, 0, id, "array is larger than 4 GiB");

    internal static BtfFormatException TooDeep(uint id) => new(BtfBlob.TypesSection, 0, id, $"types nest deeper than {MaxDepth}");
}
