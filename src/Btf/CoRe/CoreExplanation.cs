using Btf.Format;

namespace Btf.CoRe;

/// <summary>Says what a target has in place of what a relocation asks for.</summary>
internal static class CoreExplanation
{
    private const int MaxSuggestions = 3;

    /// <param name="failure">Why there is no value.</param>
    /// <param name="local">What was asked for.</param>
    /// <param name="found">How far the match went in the candidate that came closest; without a root type if there is no candidate.</param>
    public static string Of(CoreFailure failure, CoreSpec local, CoreSpec found)
    {
        if (failure == CoreFailure.NoSuchType || found.RootTypeId == 0)
            return failure.IsAbsence() ? $"the kernel has no {CoreText.Of(local.Btf, local.RootTypeId)}" : CoreText.Of(failure);
        return failure switch
        {
            CoreFailure.NoSuchMember => MissingMember(local, found),
            CoreFailure.MemberTypeDiffers => DifferentMember(local, found),
            CoreFailure.NoSuchEnumerator => $"{CoreText.Of(found.Btf, found.RootTypeId)} has no enumerator {local.Btf.Name(local.Accessors[0].NameOffset)}{Suggestions(local.Btf.Name(local.Accessors[0].NameOffset), EnumeratorsOf(found))}",
            CoreFailure.IndexOutOfBounds => $"{CoreText.Of(found)} has {Length(found)} elements",
            CoreFailure.SizeNotAdjustable => $"{CoreText.Of(found)} is {Described(found)}, and was {Described(local)} when the program was compiled: read it by BPF_CORE_READ or bpf_probe_read_kernel",
            _ => $"{CoreText.Of(found)}: {CoreText.Of(failure)}",
        };
    }

    private static string MissingMember(CoreSpec local, CoreSpec found)
    {
        var wanted = local.Accessors[found.Accessors.Length];
        var name = local.Btf.Name(wanted.NameOffset);
        var composite = Reached(found);
        return $"{CoreText.Of(found.Btf, composite.Id)} has no member {name}{Suggestions(name, MembersOf(composite, 0))}";
    }

    private static string DifferentMember(CoreSpec local, CoreSpec found)
    {
        var wanted = local.Accessors[found.Accessors.Length];
        var member = local.Btf[wanted.TypeId].Members[wanted.Index];
        var composite = Reached(found);
        var other = FindMember(composite, member.Name, 0);
        return other is { } there
            ? $"{CoreText.Of(found.Btf, composite.Id)}.{member.Name} is {KindOf(found.Btf, there.TypeId)}, and was {KindOf(local.Btf, member.TypeId)} when the program was compiled"
            : CoreText.Of(CoreFailure.MemberTypeDiffers);
    }

    /// <summary>The type in which the next accessor was looked for.</summary>
    private static BtfType Reached(CoreSpec found)
    {
        if (found.Accessors.IsEmpty)
            return TypeSteps.Underlying(found.Btf, found.RootTypeId);
        var last = found.Accessors[^1];
        return TypeSteps.Underlying(found.Btf, last.IsNamed ? found.Btf[last.TypeId].Members[last.Index].TypeId : last.TypeId);
    }

    private static uint Length(CoreSpec found) => Reached(found) is { Kind: BtfKind.Array } array ? array.Array.ElementCount : 0;

    private static string Described(CoreSpec spec)
    {
        var type = Reached(spec);
        return $"{KindOf(spec.Btf, type.Id)} of {TypeSteps.SizeOf(spec.Btf, type.Id)} bytes";
    }

    private static string KindOf(BtfBlob btf, uint id)
    {
        var type = TypeSteps.Underlying(btf, id);
        return type.Kind switch
        {
            BtfKind.Ptr => "a pointer",
            BtfKind.Array => $"an array of {type.Array.ElementCount}",
            BtfKind.FuncProto => "a function",
            BtfKind.Int => $"the integer {type.Name}",
            _ => CoreText.Of(btf, type.Id),
        };
    }

    private static BtfMember? FindMember(in BtfType composite, string name, int depth)
    {
        if (!composite.IsComposite || depth > CoreSpec.MaxLength)
            return null;
        foreach (var member in composite.Members)
        {
            var found = member.NameOffset == 0
                ? FindMember(TypeSteps.Underlying(composite.Blob, member.TypeId), name, depth + 1)
                : member.Name == name ? member : null;
            if (found is not null)
                return found;
        }
        return null;
    }

    private static IEnumerable<string> MembersOf(BtfType composite, int depth)
    {
        if (!composite.IsComposite || depth > 8)
            yield break;
        for (var i = 0; i < composite.Vlen; i++)
        {
            var member = composite.Members[i];
            if (member.NameOffset != 0)
                yield return member.Name;
            else
            {
                foreach (var inner in MembersOf(TypeSteps.Underlying(composite.Blob, member.TypeId), depth + 1))
                    yield return inner;
            }
        }
    }

    private static IEnumerable<string> EnumeratorsOf(CoreSpec found)
    {
        var type = TypeSteps.Underlying(found.Btf, found.RootTypeId);
        for (var i = 0; i < type.Vlen; i++)
            yield return type.Enumerators[i].Name;
    }

    /// <summary>Names that contain each other: what is renamed in a kernel mostly gets a prefix or suffix (<c>state</c>, <c>__state</c>).</summary>
    private static string Suggestions(string name, IEnumerable<string> names)
    {
        var bare = name.Trim('_');
        if (bare.Length < 3)
            return "";
        var alike = names.Take(4096).Where(other => other.Contains(bare, StringComparison.Ordinal) || (other.Trim('_') is { Length: > 2 } inner && bare.Contains(inner, StringComparison.Ordinal)))
            .OrderBy(other => Math.Abs(other.Length - name.Length)).Take(MaxSuggestions).ToList();
        return alike.Count == 0 ? "" : $", but {string.Join(", ", alike)}";
    }
}
