using System.Globalization;
using Btf.Format;

namespace Btf.Text.Changes;

/// <summary>Two structs or unions of one name, member by member.</summary>
internal static class CompositeComparison
{
    /// <returns>What changed, and the tags of embedded types whose size did.</returns>
    public static (List<ChangeDetail> Details, List<string> Movers) Compare(Side left, in BtfType leftType, Side right, in BtfType rightType)
    {
        var (before, after) = (FlatMembers.Of(left, leftType), FlatMembers.Of(right, rightType));
        var (old, @new) = (ByName(before), ByName(after));
        var details = new List<ChangeDetail>();
        details.AddRange(before.Where(member => !@new.ContainsKey(member.Name)).Select(member => new ChangeDetail(ChangeReason.MemberRemoved, member.Name, Described(member), null)));
        details.AddRange(after.Where(member => !old.ContainsKey(member.Name)).Select(member => new ChangeDetail(ChangeReason.MemberAdded, member.Name, null, Described(member))));
        var movers = new List<string>();
        foreach (var member in before)
        {
            if (!@new.TryGetValue(member.Name, out var other))
                continue;
            AddDetails(member, other, details);
            if (member.Type == other.Type && Grown(left, member.TypeId, right, other.TypeId) is { } mover && !movers.Contains(mover))
                movers.Add(mover);
        }
        return (details, movers);
    }

    private static Dictionary<string, FlatMember> ByName(List<FlatMember> members)
    {
        var named = new Dictionary<string, FlatMember>(members.Count, StringComparer.Ordinal);
        foreach (var member in members)
            named.TryAdd(member.Name, member);
        return named;
    }

    private static void AddDetails(FlatMember before, FlatMember after, List<ChangeDetail> details)
    {
        if (before.Type != after.Type)
            details.Add(new ChangeDetail(ChangeReason.MemberTypeChanged, before.Name, before.Type, after.Type));
        if (before.BitfieldSize != after.BitfieldSize)
            details.Add(new ChangeDetail(ChangeReason.BitfieldChanged, before.Name, Bits(before), Bits(after)));
        if (before.BitOffset != after.BitOffset)
            details.Add(new ChangeDetail(ChangeReason.MemberMoved, before.Name, before.Place, after.Place));
    }

    private static string Bits(FlatMember member) => member.BitfieldSize == 0 ? "no bitfield"
        : string.Create(CultureInfo.InvariantCulture, $"{member.BitfieldSize} bits");

    private static string Described(FlatMember member) =>
        member.BitfieldSize == 0 ? $"{member.Type} at {member.Place}" : string.Create(CultureInfo.InvariantCulture, $"{member.Type}:{member.BitfieldSize} at {member.Place}");

    /// <summary>The embedded type (behind typedefs and arrays) that has another size on the other side.</summary>
    private static string? Grown(Side left, uint leftId, Side right, uint rightId)
    {
        var (a, b) = (Embedded(left, leftId), Embedded(right, rightId));
        return a is { } was && b is { } now && was.Tag == now.Tag && was.Size != now.Size ? was.Tag : null;
    }

    private static (string Tag, long Size)? Embedded(Side side, uint id)
    {
        var named = "";
        for (var depth = 0; depth < TypeLayout.MaxDepth; depth++)
        {
            var type = side.Blob[id];
            if (type.Kind == BtfKind.Typedef)
                named = $"typedef {type.Name}";
            if (type.IsComposite)
                return (type.NameOffset == 0 ? named : $"{(type.Kind == BtfKind.Struct ? "struct" : "union")} {type.Name}", type.SizeOrType);
            if (type.Kind != BtfKind.Array && !type.IsModifier)
                return null;
            id = type.Reference(0);
        }
        throw TypeLayout.TooDeep(id);
    }
}
