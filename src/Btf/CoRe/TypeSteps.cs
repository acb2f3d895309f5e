using Btf.Format;

namespace Btf.CoRe;

/// <summary>Small steps over types that every part of CO-RE takes, each bounded, since a reference may lead back to itself.</summary>
internal static class TypeSteps
{
    /// <summary>As many references in a row as libbpf follows.</summary>
    private const int MaxDepth = 32;

    /// <summary>Modifiers and typedefs in a row; real kernels have five or six.</summary>
    private const int MaxModifiers = 256;

    /// <summary>The type behind typedefs, const, volatile, restrict and type tags.</summary>
    /// <exception cref="BtfFormatException">An id that is not there, or a chain without end.</exception>
    public static BtfType Underlying(BtfBlob blob, uint id)
    {
        var type = blob[id];
        for (var i = 0; type.IsModifier; i++)
        {
            if (i == MaxModifiers)
                throw new BtfFormatException(BtfBlob.TypesSection, 0, id, "modifiers without end");
            type = blob[type.SizeOrType];
        }
        return type;
    }

    /// <summary>Bytes of a type, or -1 if it has none that BTF tells or more than 32 bits hold.</summary>
    public static long SizeOf(BtfBlob blob, uint id)
    {
        var elements = 1u;
        for (var i = 0; i < MaxDepth && id != 0; i++)
        {
            var type = blob[id];
            switch (type.Kind)
            {
                case BtfKind.Ptr:
                    return Times(elements, (uint)blob.PointerSize);
                case BtfKind.Array:
                    var count = type.Array.ElementCount;
                    if (Times(elements, count) < 0)
                        return -1;
                    elements *= count;
                    id = type.Array.ElementTypeId;
                    break;
                case BtfKind.Func or BtfKind.FuncProto or BtfKind.Fwd:
                    return -1;
                default:
                    if (type.HasSize)
                        return Times(elements, type.SizeOrType);
                    id = type.SizeOrType;
                    break;
            }
        }
        return -1;
    }

    private static long Times(uint left, uint right) => (ulong)left * right is var product && product <= uint.MaxValue ? (long)product : -1;

    /// <summary>Two types can be candidates of each other: of one kind, an ENUM being as good as an ENUM64.</summary>
    public static bool AreOfCompatibleKinds(in BtfType left, in BtfType right) => left.Kind == right.Kind || (left.IsEnum && right.IsEnum);

    /// <summary>A flexible array: without elements, the last member of a struct.</summary>
    public static bool IsFlexible(BtfBlob blob, in CoreAccessor member, in BtfArray array) =>
        member.IsNamed && array.ElementCount == 0 && member.Index == blob[member.TypeId].Vlen - 1;
}
