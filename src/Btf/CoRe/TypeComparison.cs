using Btf.Format;

namespace Btf.CoRe;

/// <summary>
/// When a target type may stand for a local one. There are three relations, from loose to strict: of a field on the way
/// (<see cref="AreFieldsCompatible"/>), of a type that is asked for by name (<see cref="AreTypesCompatible(uint, uint)"/>), and of a type whose
/// parts are asked for too (<see cref="DoTypesMatch(uint, uint)"/>). Typedefs and modifiers never count.
/// </summary>
/// <param name="local">BTF of the object.</param>
/// <param name="target">BTF of the kernel or a module.</param>
/// <param name="budget">Shared by all relocations of the object.</param>
internal sealed class TypeComparison(BtfBlob local, BtfBlob target, StepBudget budget)
{
    /// <summary>Prototypes within prototypes, and references in a row (<c>BPF_CORE_TYPES_MATCH_MAX_DEPTH</c> and the like in libbpf).</summary>
    private const int MaxDepth = 32;

    /// <summary>Any two composites, pointers, floats, whole integers; enums and declarations of one name; arrays of such elements, whatever their length.</summary>
    public CoreFailure AreFieldsCompatible(uint localId, uint targetId)
    {
        for (var depth = 0; depth < MaxDepth; depth++)
        {
            var (left, right) = (TypeSteps.Underlying(local, localId), TypeSteps.Underlying(target, targetId));
            if (left.IsComposite && right.IsComposite)
                return CoreFailure.None;
            if (!TypeSteps.AreOfCompatibleKinds(left, right))
                return CoreFailure.MemberTypeDiffers;
            switch (left.Kind)
            {
                case BtfKind.Ptr or BtfKind.Float:
                    return CoreFailure.None;
                case BtfKind.Int:
                    return Answer(left.Int.BitOffset == 0 && right.Int.BitOffset == 0, CoreFailure.MemberTypeDiffers);
                case BtfKind.Fwd or BtfKind.Enum or BtfKind.Enum64:
                    return Answer(AreNamesCompatible(left.NameBytes, right.NameBytes), CoreFailure.MemberTypeDiffers);
                case BtfKind.Array:
                    (localId, targetId) = (left.Array.ElementTypeId, right.Array.ElementTypeId);
                    break;
                default:
                    return CoreFailure.MemberTypeDiffers;
            }
        }
        return CoreFailure.NestedTooDeep;
    }

    /// <summary>The same kind; what pointers and arrays lead to, and the parameters of prototypes, likewise.</summary>
    public CoreFailure AreTypesCompatible(uint localId, uint targetId)
    {
        return TypeSteps.AreOfCompatibleKinds(local[localId], target[targetId])
            ? AreTypesCompatible(localId, targetId, MaxDepth)
            : CoreFailure.TypeNotCompatible;
    }

    private CoreFailure AreTypesCompatible(uint localId, uint targetId, int level)
    {
        for (var depth = 0; depth < MaxDepth; depth++)
        {
            if (!budget.Take())
                return CoreFailure.TooComplex;
            var (left, right) = (TypeSteps.Underlying(local, localId), TypeSteps.Underlying(target, targetId));
            if (!TypeSteps.AreOfCompatibleKinds(left, right))
                return CoreFailure.TypeNotCompatible;
            switch (left.Kind)
            {
                case BtfKind.Void or BtfKind.Struct or BtfKind.Union or BtfKind.Enum or BtfKind.Enum64 or BtfKind.Fwd:
                    return CoreFailure.None;
                case BtfKind.Int:
                    return Answer(left.Int.BitOffset == 0 && right.Int.BitOffset == 0, CoreFailure.TypeNotCompatible);
                case BtfKind.Ptr:
                    (localId, targetId) = (left.SizeOrType, right.SizeOrType);
                    break;
                case BtfKind.Array:
                    (localId, targetId) = (left.Array.ElementTypeId, right.Array.ElementTypeId);
                    break;
                case BtfKind.FuncProto:
                    var failure = AreParametersCompatible(left, right, level);
                    if (failure != CoreFailure.None)
                        return failure;
                    (localId, targetId) = (left.SizeOrType, right.SizeOrType);
                    break;
                default:
                    return CoreFailure.TypeNotCompatible;
            }
        }
        return CoreFailure.NestedTooDeep;
    }

    private CoreFailure AreParametersCompatible(in BtfType left, in BtfType right, int level)
    {
        if (left.Vlen != right.Vlen)
            return CoreFailure.TypeNotCompatible;
        for (var i = 0; i < left.Vlen; i++)
        {
            if (level <= 0)
                return CoreFailure.NestedTooDeep;
            var failure = AreTypesCompatible(left.Params[i].TypeId, right.Params[i].TypeId, level - 1);
            if (failure != CoreFailure.None)
                return failure;
        }
        return CoreFailure.None;
    }

    /// <summary>Names and kinds agree; every local member and enumerator is in the target and matches, down to the first pointer, behind which the name is enough.</summary>
    public CoreFailure DoTypesMatch(uint localId, uint targetId)
    {
        return TypeSteps.AreOfCompatibleKinds(local[localId], target[targetId])
            ? DoTypesMatch(localId, targetId, isBehindPointer: false, MaxDepth)
            : CoreFailure.TypeDoesNotMatch;
    }

    private CoreFailure DoTypesMatch(uint localId, uint targetId, bool isBehindPointer, int level)
    {
        if (level <= 0)
            return CoreFailure.NestedTooDeep;
        for (var depth = 0; depth < MaxDepth; depth++)
        {
            if (!budget.Take())
                return CoreFailure.TooComplex;
            var (left, right) = (TypeSteps.Underlying(local, localId), TypeSteps.Underlying(target, targetId));
            if (!DoNamesMatch(left.NameBytes, right.NameBytes))
                return CoreFailure.TypeDoesNotMatch;
            switch (left.Kind)
            {
                case BtfKind.Ptr when right.Kind == BtfKind.Ptr:
                    isBehindPointer = true;
                    (localId, targetId) = (left.SizeOrType, right.SizeOrType);
                    break;
                case BtfKind.Array when right.Kind == BtfKind.Array && left.Array.ElementCount == right.Array.ElementCount:
                    (localId, targetId) = (left.Array.ElementTypeId, right.Array.ElementTypeId);
                    break;
                case BtfKind.FuncProto when right.Kind == BtfKind.FuncProto:
                    var failure = DoParametersMatch(left, right, isBehindPointer, level);
                    if (failure != CoreFailure.None)
                        return failure;
                    (localId, targetId) = (left.SizeOrType, right.SizeOrType);
                    break;
                case BtfKind.Struct or BtfKind.Union when !isBehindPointer && left.Kind == right.Kind:
                    return DoMembersMatch(left, right, level);
                default:
                    return Answer(DoLeavesMatch(left, right, isBehindPointer), CoreFailure.TypeDoesNotMatch);
            }
        }
        return CoreFailure.NestedTooDeep;
    }

    private CoreFailure DoParametersMatch(in BtfType left, in BtfType right, bool isBehindPointer, int level)
    {
        if (left.Vlen != right.Vlen)
            return CoreFailure.TypeDoesNotMatch;
        for (var i = 0; i < left.Vlen; i++)
        {
            var failure = DoTypesMatch(left.Params[i].TypeId, right.Params[i].TypeId, isBehindPointer, level - 1);
            if (failure != CoreFailure.None)
                return failure;
        }
        return CoreFailure.None;
    }

    private CoreFailure DoMembersMatch(in BtfType left, in BtfType right, int level)
    {
        if (left.Vlen > right.Vlen)
            return CoreFailure.TypeDoesNotMatch;
        foreach (var member in left.Members)
        {
            var failure = HasMatch(member, right, level);
            if (failure != CoreFailure.None)
                return failure;
        }
        return CoreFailure.None;
    }

    private CoreFailure HasMatch(in BtfMember member, in BtfType right, int level)
    {
        foreach (var other in right.Members)
        {
            if (!budget.Take())
                return CoreFailure.TooComplex;
            if (!DoNamesMatch(member.NameBytes, other.NameBytes))
                continue;
            var failure = DoTypesMatch(member.TypeId, other.TypeId, isBehindPointer: false, level - 1);
            if (!failure.IsAbsence())
                return failure;
        }
        return CoreFailure.TypeDoesNotMatch;
    }

    private bool DoLeavesMatch(in BtfType left, in BtfType right, bool isBehindPointer) => left.Kind switch
    {
        BtfKind.Void => right.Kind == BtfKind.Void,
        BtfKind.Fwd when right.Kind == BtfKind.Fwd => left.KindFlag == right.KindFlag,
        BtfKind.Fwd => isBehindPointer && right.Kind == (left.KindFlag ? BtfKind.Union : BtfKind.Struct),
        BtfKind.Struct or BtfKind.Union when left.Kind == right.Kind => true,
        BtfKind.Struct or BtfKind.Union => isBehindPointer && right.Kind == BtfKind.Fwd && right.KindFlag == (left.Kind == BtfKind.Union),
        BtfKind.Enum or BtfKind.Enum64 => right.IsEnum && DoEnumeratorsMatch(left, right),
        BtfKind.Int => right.Kind == BtfKind.Int && left.SizeOrType == right.SizeOrType && IsSigned(left) == IsSigned(right),
        _ => false,
    };

    /// <summary>Of one size, and every local enumerator is in the target by name, whatever its value.</summary>
    private bool DoEnumeratorsMatch(in BtfType left, in BtfType right)
    {
        if (left.SizeOrType != right.SizeOrType || left.Vlen > right.Vlen)
            return false;
        foreach (var enumerator in left.Enumerators)
        {
            if (!HasMatch(enumerator, right))
                return false;
        }
        return true;
    }

    private bool HasMatch(in BtfEnumerator enumerator, in BtfType right)
    {
        foreach (var other in right.Enumerators)
        {
            if (!budget.Take())
                return false;
            if (DoNamesMatch(enumerator.NameBytes, other.NameBytes))
                return true;
        }
        return false;
    }

    private static bool IsSigned(in BtfType type) => type.Int.Encoding.HasFlag(BtfIntEncoding.Signed);

    private static bool DoNamesMatch(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        right.IsEmpty ? left.IsEmpty : EssentialName.AreEqual(left, right);

    private static bool AreNamesCompatible(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right) =>
        left.IsEmpty || right.IsEmpty || EssentialName.AreEqual(left, right);

    private static CoreFailure Answer(bool yes, CoreFailure otherwise) => yes ? CoreFailure.None : otherwise;
}
