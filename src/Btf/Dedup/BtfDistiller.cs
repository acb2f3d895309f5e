using System.Runtime.InteropServices;
using Btf.Format;

namespace Btf.Dedup;

/// <summary>Split BTF that stands on a distilled base.</summary>
/// <param name="Base">What of the kernel's types the split BTF needs: named ones only, structs and enums by size without members (<c>.BTF.base</c>).</param>
/// <param name="Split">The module's types, and those of the kernel that have no name.</param>
public sealed record DistilledBtf(byte[] Base, byte[] Split);

/// <summary>
/// Makes split BTF independent of the exact BTF of its kernel: a loader finds the few types of the base by name and size in
/// whatever kernel runs (<c>Documentation/bpf/btf.rst</c>, ".BTF.base section"; the order is that of libbpf's <c>btf__distill_base</c>).
/// </summary>
public static class BtfDistiller
{
    /// <param name="split">Split BTF with its base.</param>
    /// <exception cref="BtfFormatException">It has no base, or refers to something of it that no base can hold (functions, variables, members).</exception>
    public static DistilledBtf Distill(BtfBlob split)
    {
        if (split.Base is null)
            throw new BtfFormatException(BtfBlob.TypesSection, 0, null, "BTF without a base has none to distil");
        var needed = Needed(split);
        var baseTable = new TypeTable();
        var ids = new uint[split.EndId];
        foreach (var id in needed)
        {
            if (IsKeptInBase(split[id]))
                ids[id] = baseTable.Add(BaseRecord(split[id], baseTable.Names));
        }
        var splitTable = new TypeTable(baseTable);
        var moved = needed.Where(id => !IsKeptInBase(split[id])).ToList();
        var next = splitTable.FirstId;
        for (var id = split.FirstId; id < split.EndId; id++)
            ids[id] = next++;
        foreach (var id in moved)
            ids[id] = next++;
        for (var id = split.FirstId; id < split.EndId; id++)
            Copy(split[id], splitTable, ids);
        foreach (var id in moved)
            Copy(split[id], splitTable, ids);
        return new DistilledBtf(baseTable.ToBytes(!split.IsBigEndian), splitTable.ToBytes(!split.IsBigEndian));
    }

    /// <summary>Ids of the base's types that the split BTF refers to, ascending: named structs without what their members are.</summary>
    private static SortedSet<uint> Needed(BtfBlob split)
    {
        var needed = new SortedSet<uint>();
        var open = new Stack<BtfType>();
        foreach (var type in split.Types)
            open.Push(type);
        while (open.TryPop(out var type))
        {
            for (var i = 0; i < type.ReferenceCount; i++)
            {
                var id = type.Reference(i);
                if (id == 0 || id >= split.FirstId)
                    continue;
                var target = split[id];
                if (target.Kind is BtfKind.Func or BtfKind.Var or BtfKind.Datasec or BtfKind.DeclTag)
                    throw new BtfFormatException(BtfBlob.TypesSection, 0, id, $"reference to a {target.Kind} of the base");
                if (type.Kind == BtfKind.DeclTag && type.ComponentIndex >= 0 && IsKeptInBase(target))
                    throw new BtfFormatException(BtfBlob.TypesSection, 0, id, $"a tag on a member of a {target.Kind} of the base, which has none once it is distilled");
                if (needed.Add(id) && !(target.IsComposite && target.NameOffset != 0))
                    open.Push(target);
            }
        }
        return needed;
    }

    private static bool IsKeptInBase(in BtfType type) => type.Kind is BtfKind.Int or BtfKind.Float or BtfKind.Fwd
        || ((type.IsComposite || type.IsEnum) && type.NameOffset != 0);

    private static uint[] BaseRecord(in BtfType type, NamePool names)
    {
        var record = new List<uint>();
        TypeTable.Read(type, names, record);
        if (type.IsComposite)
            return [record[0], (uint)type.Kind << 24, record[2]];
        return type.IsEnum ? [record[0], (uint)BtfKind.Enum << 24, record[2]] : [.. record];
    }

    private static void Copy(in BtfType type, TypeTable into, uint[] ids)
    {
        var record = new List<uint>();
        TypeTable.Read(type, into.Names, record);
        var roles = RecordLayout.Of(type.Kind);
        for (var i = 2; i < record.Count; i++)
        {
            if (roles[i] == WordRole.Reference)
                record[i] = ids[record[i]];
        }
        into.Add(CollectionsMarshal.AsSpan(record));
    }
}
