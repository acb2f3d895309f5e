using Btf.Format;

namespace Btf.CoRe;

/// <summary>Finds in one candidate of the target what a local <see cref="CoreSpec"/> describes.</summary>
/// <param name="local">BTF of the object.</param>
/// <param name="target">BTF of the kernel or a module.</param>
/// <param name="budget">Shared by all relocations of the object.</param>
internal sealed class CoreSpecMatch(BtfBlob local, BtfBlob target, StepBudget budget)
{
    private readonly TypeComparison _types = new(local, target, budget);

    /// <param name="wanted">The local spec.</param>
    /// <param name="candidate">A type of the target whose name and kind fit.</param>
    /// <param name="found">Filled as far as the match went: with an absence, up to the accessor that has none.</param>
    public CoreFailure Run(CoreSpec wanted, uint candidate, CoreSpec found)
    {
        found.Begin(target, wanted.Kind, candidate);
        if (wanted.Kind == CoreRelocationKind.TypeMatches)
            return _types.DoTypesMatch(wanted.RootTypeId, candidate);
        if (wanted.Kind.IsType())
            return _types.AreTypesCompatible(wanted.RootTypeId, candidate);
        return wanted.Kind.IsEnumval() ? FindEnumerator(wanted, found) : FindField(wanted, found);
    }

    private static CoreFailure FindEnumerator(CoreSpec wanted, CoreSpec found)
    {
        var type = TypeSteps.Underlying(found.Btf, found.RootTypeId);
        if (!type.IsEnum)
            return CoreFailure.NotAnEnum;
        var name = EssentialName.Of(wanted.Btf.NameBytes(wanted.Accessors[0].NameOffset));
        for (var i = 0; i < type.Vlen; i++)
        {
            var enumerator = type.Enumerators[i];
            if (!EssentialName.Of(enumerator.NameBytes).SequenceEqual(name))
                continue;
            found.Add(new CoreAccessor(type.Id, i, enumerator.NameOffset));
            found.Step(i);
            return CoreFailure.None;
        }
        return CoreFailure.NoSuchEnumerator;
    }

    private CoreFailure FindField(CoreSpec wanted, CoreSpec found)
    {
        var id = found.RootTypeId;
        for (var i = 0; i < wanted.Accessors.Length; i++)
        {
            var accessor = wanted.Accessors[i];
            id = TypeSteps.Underlying(target, id).Id;
            var failure = accessor.IsNamed ? FindMember(accessor, found, ref id) : FindElement(accessor.Index, isRoot: i == 0, found, ref id);
            if (failure != CoreFailure.None)
                return failure;
        }
        return CoreFailure.None;
    }

    private CoreFailure FindElement(int index, bool isRoot, CoreSpec found, ref uint id)
    {
        // The first index is of the pointer the access begins with: the root type is the element.
        if (!isRoot)
        {
            var type = target[id];
            if (type.Kind != BtfKind.Array)
                return CoreFailure.NotAnArray;
            var array = type.Array;
            if (index >= array.ElementCount && !TypeSteps.IsFlexible(target, found.Accessors[^1], array))
                return CoreFailure.IndexOutOfBounds;
            id = TypeSteps.Underlying(target, array.ElementTypeId).Id;
        }
        if (found.IsFull)
            return CoreFailure.NestedTooDeep;
        var size = TypeSteps.SizeOf(target, id);
        if (size < 0)
            return CoreFailure.SizeUnknown;
        found.Add(new CoreAccessor(id, index, 0));
        found.Step(index);
        found.BitOffset += unchecked((uint)(index * size * 8));
        return CoreFailure.None;
    }

    private CoreFailure FindMember(in CoreAccessor wanted, CoreSpec found, ref uint id)
    {
        var member = local[wanted.TypeId].Members[wanted.Index];
        return FindMember(member, member.NameBytes, found, ref id);
    }

    /// <summary>By name among the members and, where those have no name, among theirs.</summary>
    private CoreFailure FindMember(in BtfMember wanted, ReadOnlySpan<byte> name, CoreSpec found, ref uint id)
    {
        var type = TypeSteps.Underlying(target, id);
        if (!type.IsComposite)
            return CoreFailure.NotComposite;
        var (start, closest) = (found.Mark, CoreFailure.NoSuchMember);
        for (var i = 0; i < type.Vlen; i++)
        {
            var member = type.Members[i];
            if (found.IsFull)
                return CoreFailure.NestedTooDeep;
            if (!budget.Take())
                return CoreFailure.TooComplex;
            found.BitOffset += member.BitOffset;
            found.Step(i);
            if (member.NameOffset == 0)
            {
                var inner = member.TypeId;
                var failure = FindMember(wanted, name, found, ref inner);
                if (!failure.IsAbsence())
                {
                    id = inner;
                    return failure;
                }
                closest = failure == CoreFailure.MemberTypeDiffers ? failure : closest;
            }
            else if (member.NameBytes.SequenceEqual(name))
            {
                id = member.TypeId;
                return TakeMember(wanted, member, type.Id, i, found);
            }
            found.Return(start);
        }
        return closest;
    }

    private CoreFailure TakeMember(in BtfMember wanted, in BtfMember member, uint typeId, int index, CoreSpec found)
    {
        var failure = _types.AreFieldsCompatible(wanted.TypeId, member.TypeId);
        if (failure == CoreFailure.None)
            found.Add(new CoreAccessor(typeId, index, member.NameOffset));
        return failure;
    }
}
