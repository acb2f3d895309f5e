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
        var map = Enumerable.Range(0, (int)table.EndId).Select(i => (uint)i).ToArray();
        var changed = false;
        for (uint id = 1; id < table.EndId; id++)
        {
            if (table.KindOf(id) != BtfKind.Fwd)
                continue;
            var kind = BtfInfo.KindFlag(table[id][1]) ? BtfKind.Union : BtfKind.Struct;
            if (table.OnlyDefinition(kind, table[id][0]) is var only and > 0)
                (map[id], changed) = (only, true);
        }
        while (changed)
            changed = MergeReferences(table, map);
        return Compact(table, map);
    }

    private static bool MergeReferences(TypeTable table, uint[] map)
    {
        var changed = false;
        var found = new TypeTable();
        var ids = new List<uint> { 0 };
        for (uint id = 1; id < table.EndId; id++)
        {
            if (map[id] != id || !TypeTable.IsFoundByReferences(table.KindOf(id)))
                continue;
            var record = Mapped(table[id], map);
            if (found.FindSame(record) is var same and > 0)
            {
                (map[id], changed) = (ids[(int)same], true);
                continue;
            }
            found.Add(record);
            ids.Add(id);
        }
        for (uint id = 1; changed && id < table.EndId; id++)
            map[id] = map[map[id]];
        return changed;
    }

    private static TypeTable Compact(TypeTable table, uint[] map)
    {
        var ids = new uint[map.Length];
        uint next = 1;
        for (uint id = 1; id < table.EndId; id++)
            ids[id] = map[id] == id ? next++ : 0;
        for (uint id = 1; id < table.EndId; id++)
            ids[id] = ids[map[id]];

        var compact = new TypeTable();
        for (uint id = 1; id < table.EndId; id++)
        {
            if (map[id] != id)
                continue;
            var record = Mapped(table[id], ids);
            var roles = RecordLayout.Of(BtfInfo.Kind(record[1]));
            for (var i = 0; i < record.Length; i++)
            {
                if (roles[i] == WordRole.Name)
                    record[i] = compact.Names.Intern(table.Names[record[i]]);
            }
            compact.Add(record);
        }
        return compact;
    }

    private static uint[] Mapped(ReadOnlySpan<uint> record, uint[] map)
    {
        var mapped = record.ToArray();
        var roles = RecordLayout.Of(BtfInfo.Kind(record[1]));
        for (var i = 2; i < mapped.Length; i++)
        {
            if (roles[i] == WordRole.Reference)
                mapped[i] = map[mapped[i]];
        }
        return mapped;
    }
}
