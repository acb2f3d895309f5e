using Btf.Format;

namespace Btf.Dedup;

/// <summary>
/// Replaces each forward declaration by the struct or union of its name, where there is just one, and then what has become
/// the same by that: a pointer to the one and a pointer to the other.
/// </summary>
internal static class ForwardResolution
{
    public static TypeTable Apply(TypeTable table)
    {
        var map = RepeatedTypes.Unmapped(table);
        var changed = false;
        for (uint id = 1; id < table.EndId; id++)
        {
            if (table.KindOf(id) != BtfKind.Fwd)
                continue;
            var kind = BtfInfo.KindFlag(table[id][1]) ? BtfKind.Union : BtfKind.Struct;
            if (table.OnlyDefinition(kind, table[id][0]) is var only and > 0)
                (map[id], changed) = (only, true);
        }
        if (changed)
            RepeatedTypes.Merge(table, map);
        return RepeatedTypes.Compact(table, map);
    }
}
