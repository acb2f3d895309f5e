using Btf.Format;

namespace Btf.Text;

/// <summary>A type or function that refers to another.</summary>
/// <param name="Kind"><c>struct</c>, <c>union</c>, <c>typedef</c>, <c>func</c> or <c>var</c>.</param>
/// <param name="Member">The member, of a struct or union; empty for what has no name. Null of others.</param>
/// <param name="Declaration">In one line of C.</param>
public sealed record TypeUser(string Kind, string Name, string? Member, string Declaration);

/// <summary>
/// Who uses a type: structs and unions by a member, functions by a parameter or what they return, typedefs and variables. What has no name stands for
/// what it is part of; modifiers, pointers, arrays and prototypes are passed through, typedefs are users of their own.
/// </summary>
public static class TypeUsers
{
    /// <param name="limit">Users to return; the rest are only counted.</param>
    /// <exception cref="BtfFormatException">An id or a name is out of range, or types nest without end.</exception>
    public static (IReadOnlyList<TypeUser> Users, int Count) Find(BtfBlob blob, uint target, int skip, int limit)
    {
        var leads = Leading(blob, target);
        var (users, count) = (new List<TypeUser>(), 0);
        var lines = new CSource.TypeLine(new TypeLayout(blob));
        for (uint id = 1; id < blob.EndId; id++)
        {
            var type = blob[id];
            if (type.NameOffset == 0 || id == target && !type.IsComposite || KindOf(type) is not { } kind)
                continue;
            var (found, member, memberType) = MemberOf(type, leads);
            if (!found)
                continue;
            if (count >= skip && users.Count < limit)
                users.Add(new TypeUser(kind, type.Name, member, Line(lines, type, member, memberType)));
            count++;
        }
        return (users, count);
    }

    private static string? KindOf(in BtfType type) => type.Kind switch
    {
        BtfKind.Struct => "struct",
        BtfKind.Union => "union",
        BtfKind.Typedef => "typedef",
        BtfKind.Func => "func",
        BtfKind.Var => "var",
        _ => null,
    };

    private static string Line(CSource.TypeLine lines, in BtfType type, string? member, uint memberType) => member is null
        ? lines.Of(type.SizeOrType, type.NameBytes)
        : lines.Of(memberType, System.Text.Encoding.UTF8.GetBytes(member));

    /// <summary>The first member that leads to the target; of what has no members, whether it does itself.</summary>
    private static (bool Found, string? Member, uint MemberType) MemberOf(in BtfType type, bool[] leads)
    {
        if (!type.IsComposite)
            return (type.SizeOrType < leads.Length && leads[type.SizeOrType], null, 0);
        foreach (var member in type.Members)
        {
            if (member.TypeId < leads.Length && leads[member.TypeId])
                return (true, member.Name, member.TypeId);
        }
        return (false, null, 0);
    }

    /// <summary>The types without name, and pointers to them, that lead to the target. References may go either way: repeated until nothing is added.</summary>
    private static bool[] Leading(BtfBlob blob, uint target)
    {
        var leads = new bool[blob.EndId];
        leads[target] = true;
        for (var isChanged = true; isChanged;)
        {
            isChanged = false;
            for (uint id = 1; id < blob.EndId; id++)
            {
                if (leads[id] || !IsPassedThrough(blob[id]) || !RefersTo(blob[id], leads))
                    continue;
                leads[id] = isChanged = true;
            }
        }
        return leads;
    }

    private static bool IsPassedThrough(in BtfType type) =>
        type.Kind is BtfKind.Ptr or BtfKind.Array or BtfKind.Const or BtfKind.Volatile or BtfKind.Restrict or BtfKind.TypeTag or BtfKind.FuncProto || type.IsComposite && type.NameOffset == 0;

    private static bool RefersTo(in BtfType type, bool[] leads)
    {
        for (var i = 0; i < type.ReferenceCount; i++)
        {
            if (type.Reference(i) is var id && id < leads.Length && leads[id])
                return true;
        }
        return false;
    }
}
