using System.Runtime.InteropServices;
using Btf.Format;

namespace Btf.Dedup;

/// <summary>
/// Types that say the same, word by word: one stays, and what referred to the others refers to it, by which more may have
/// become the same. VAR and DATASEC stand for objects, not types, and may repeat.
/// </summary>
internal static class RepeatedTypes
{
    /// <summary>So many are compared with each type; real kernels have a dozen.</summary>
    private const int FewSuspects = 100;

    /// <summary>What merges refers to what merged, a step in each pass; real kernels need two. What is left then stays twice.</summary>
    private const int MaxPasses = 100;

    /// <summary>BTF without a base in which each type stands once; the same bytes where no other type says what one of <paramref name="suspects"/> does.</summary>
    public static byte[] Merge(byte[] btf, IReadOnlyList<uint> suspects)
    {
        if (suspects.Count == 0)
            return btf;
        var blob = BtfBlob.Parse(btf);
        if (suspects.Count <= FewSuspects && !AnyRepeats(blob, suspects))
            return btf;
        var table = new TypeTable(blob);
        var map = Unmapped(table);
        return Merge(table, map) ? Compact(table, map).ToBytes(!blob.IsBigEndian) : btf;
    }

    private static bool AnyRepeats(BtfBlob blob, IReadOnlyList<uint> suspects)
    {
        var types = suspects.Select(id => blob[id]).ToArray();
        foreach (var type in blob.Types)
        {
            foreach (ref readonly var suspect in types.AsSpan())
            {
                if (type.Id != suspect.Id && type.SizeOrType == suspect.SizeOrType && type.InfoWord == suspect.InfoWord
                    && blob.Record(type).Span.SequenceEqual(blob.Record(suspect).Span))
                    return true;
            }
        }
        return false;
    }

    /// <summary>Each type stands for itself.</summary>
    public static uint[] Unmapped(TypeTable table)
    {
        var map = new uint[table.EndId];
        for (uint id = 0; id < map.Length; id++)
            map[id] = id;
        return map;
    }

    /// <summary>Maps each type to the first that says the same once both are mapped. False where there is none.</summary>
    public static bool Merge(TypeTable table, uint[] map)
    {
        var passes = 0;
        while (passes < MaxPasses && MergeOnce(table, map))
            passes++;
        return passes > 0;
    }

    private static bool MergeOnce(TypeTable table, uint[] map)
    {
        var changed = false;
        var known = new Dictionary<ulong, uint>(map.Length);
        for (uint id = 1; id < table.EndId; id++)
        {
            if (map[id] != id || table.KindOf(id) is BtfKind.Var or BtfKind.Datasec)
                continue;
            var record = Mapped(table[id], map);
            // Two records of one hash that differ: the second stays as it is, which costs no more than a type that stands twice.
            ref var first = ref CollectionsMarshal.GetValueRefOrAddDefault(known, TypeTable.HashOf(record, references: true), out var isKnown);
            if (!isKnown)
                first = id;
            else if (Mapped(table[first], map).AsSpan().SequenceEqual(record))
                (map[id], changed) = (first, true);
        }
        for (uint id = 1; changed && id < table.EndId; id++)
            map[id] = map[map[id]];
        return changed;
    }

    /// <summary>The types that are mapped to themselves.</summary>
    public static TypeTable Compact(TypeTable table, uint[] map)
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
