using Btf.Format;

namespace Btf.Text.Changes;

/// <summary>A member that has a name, or is reached by one: <c>u.ip</c> of a struct without name.</summary>
/// <param name="Type">In C.</param>
internal sealed record FlatMember(string Name, uint TypeId, string Type, long BitOffset, int BitfieldSize)
{
    /// <summary>Byte, or byte and bit of a bitfield, as text.</summary>
    public string Place => BitfieldSize == 0 && BitOffset % 8 == 0
        ? FormattableString.Invariant($"{BitOffset / 8}")
        : FormattableString.Invariant($"{BitOffset / 8}:{BitOffset % 8}");
}

/// <summary>The members of a struct, those of structs and unions without name among them.</summary>
internal static class FlatMembers
{
    public static List<FlatMember> Of(Side side, in BtfType composite)
    {
        var members = new List<FlatMember>(composite.Vlen);
        Add(side, composite, "", 0, members, 0);
        return members;
    }

    private static void Add(Side side, in BtfType composite, string prefix, long start, List<FlatMember> members, int depth)
    {
        side.Work.Enter(composite.Id, depth);
        foreach (var member in composite.Members)
        {
            side.Work.Enter(member.TypeId, depth);
            var name = prefix + member.Name;
            if (side.Blob[member.TypeId] is { IsComposite: true, NameOffset: 0 } inner)
                Add(side, inner, member.NameOffset == 0 ? prefix : name + ".", start + member.BitOffset, members, depth + 1);
            else if (member.NameOffset != 0)
                members.Add(new FlatMember(name, member.TypeId, side.Lines.Unfolded(member.TypeId), start + member.BitOffset, member.BitfieldSize));
        }
    }
}
