using System.Numerics;

namespace Btf.Format.Validation;

/// <summary>What a record must satisfy by itself (the kernel's <c>check_meta</c> of each kind).</summary>
internal sealed class RecordRules(BtfBlob blob, BtfFindings findings)
{
    public void Check()
    {
        foreach (var type in blob.Types)
        {
            if (findings.Full)
                return;
            CheckInfo(type);
            CheckName(type);
            CheckReferences(type);
            CheckKind(type);
        }
    }

    private void CheckInfo(in BtfType type)
    {
        if ((type.InfoWord & ~BtfInfo.OldMask) != 0)
            findings.Add(BtfRule.TypeInfo, type, type.InfoWord, "info has bits that kernels refuse");
        if (type.KindFlag && !MayHaveKindFlag(type.Kind))
            findings.Add(BtfRule.TypeInfo, type, type.InfoWord, "has a kind_flag");
        if (type.Kind == BtfKind.Func && type.Vlen > (int)BtfLinkage.Global)
            findings.Add(BtfRule.Linkage, type, (ulong)type.Vlen, "linkage is neither static nor global");
        else if (type.Vlen != 0 && !MayHaveVlen(type.Kind))
            findings.Add(BtfRule.TypeInfo, type, (ulong)type.Vlen, "has a vlen");
    }

    private static bool MayHaveKindFlag(BtfKind kind) =>
        kind is BtfKind.Struct or BtfKind.Union or BtfKind.Enum or BtfKind.Enum64 or BtfKind.Fwd or BtfKind.DeclTag or BtfKind.TypeTag;

    private static bool MayHaveVlen(BtfKind kind) =>
        kind is BtfKind.Struct or BtfKind.Union or BtfKind.Enum or BtfKind.Enum64 or BtfKind.FuncProto or BtfKind.Datasec or BtfKind.Func;

    private void CheckName(in BtfType type)
    {
        if (!blob.HasName(type.NameOffset))
            findings.Add(BtfRule.Name, type, type.NameOffset, "name offset is past the strings");
        else if (!NameRules.Allows(type))
            findings.Add(BtfRule.Name, type, type.NameOffset, $"may not have the name '{type.Name}'");
    }

    private void CheckReferences(in BtfType type)
    {
        var voidAllowed = !(type.IsComposite || type.Kind is BtfKind.Array or BtfKind.Var or BtfKind.Datasec);
        for (var i = 0; i < type.ReferenceCount; i++)
        {
            var id = type.Reference(i);
            if (id >= blob.EndId || (id == 0 && !voidAllowed))
                findings.Add(BtfRule.TypeId, type, id, id == 0 ? "refers to void" : "refers to a type that does not exist");
        }
    }

    private void CheckKind(in BtfType type)
    {
        switch (type.Kind)
        {
            case BtfKind.Int:
                CheckInt(type);
                break;
            case BtfKind.Float when type.SizeOrType is not (2 or 4 or 8 or 12 or 16):
                findings.Add(BtfRule.Size, type, type.SizeOrType, "has an impossible size");
                break;
            case BtfKind.Array or BtfKind.Fwd when type.SizeOrType != 0:
                findings.Add(BtfRule.Size, type, type.SizeOrType, "has a third word other than zero");
                break;
            case BtfKind.Struct or BtfKind.Union:
                CheckMembers(type);
                break;
            case BtfKind.Enum or BtfKind.Enum64:
                CheckEnum(type);
                break;
            case BtfKind.Var when type.Linkage is not (BtfLinkage.Static or BtfLinkage.Global):
                findings.Add(BtfRule.Linkage, type, (ulong)type.Linkage, "linkage is neither static nor global");
                break;
            case BtfKind.Datasec:
                CheckDatasec(type);
                break;
            case BtfKind.DeclTag when type.ComponentIndex < -1:
                findings.Add(BtfRule.ComponentIndex, type, (uint)type.ComponentIndex, "component index below -1");
                break;
            default:
                break;
        }
    }

    private void CheckInt(in BtfType type)
    {
        var encoding = type.Int;
        var bits = encoding.BitOffset + encoding.Bits;
        if (encoding.Word >> 28 != 0)
            findings.Add(BtfRule.IntEncoding, type, encoding.Word, "has unknown encoding bits");
        else if (!IsOneEncoding(encoding.Encoding))
            findings.Add(BtfRule.IntEncoding, type, (ulong)encoding.Encoding, "has more than one encoding");
        if (bits > 128)
            findings.Add(BtfRule.IntEncoding, type, (ulong)bits, "has more than 128 bits");
        else if ((uint)(bits + 7) / 8 > type.SizeOrType)
            findings.Add(BtfRule.Size, type, type.SizeOrType, $"has {bits} bits, more than its size");
    }

    private static bool IsOneEncoding(BtfIntEncoding encoding) =>
        encoding is BtfIntEncoding.None or BtfIntEncoding.Signed or BtfIntEncoding.Char or BtfIntEncoding.Bool;

    private void CheckMembers(in BtfType type)
    {
        var last = 0u;
        foreach (var member in type.Members)
        {
            if (findings.Full)
                return;
            CheckEntryName(type, member.NameOffset, optional: true);
            if (type.Kind == BtfKind.Union && member.BitOffset != 0)
                findings.Add(BtfRule.MemberOffset, type, member.BitOffset, "member of a union is not at offset 0");
            if (member.BitOffset < last)
                findings.Add(BtfRule.MemberOffset, type, member.BitOffset, "members are not in the order of their offsets");
            if ((member.BitOffset + 7ul) / 8 > type.SizeOrType)
                findings.Add(BtfRule.MemberOffset, type, member.BitOffset, "member starts past the end");
            last = member.BitOffset;
        }
    }

    private void CheckEnum(in BtfType type)
    {
        if (type.SizeOrType > 8 || !BitOperations.IsPow2(type.SizeOrType))
            findings.Add(BtfRule.Size, type, type.SizeOrType, "has an impossible size");
        foreach (var enumerator in type.Enumerators)
        {
            if (findings.Full)
                return;
            CheckEntryName(type, enumerator.NameOffset, optional: false);
        }
    }

    private void CheckEntryName(in BtfType type, uint nameOffset, bool optional)
    {
        if (!blob.HasName(nameOffset))
            findings.Add(BtfRule.Name, type, nameOffset, "name offset of an entry is past the strings");
        else if ((nameOffset == 0 && !optional) || !NameRules.IsOptionalIdentifier(blob, nameOffset))
            findings.Add(BtfRule.Name, type, nameOffset, $"entry may not have the name '{blob.Name(nameOffset)}'");
    }

    private void CheckDatasec(in BtfType type)
    {
        if (type.SizeOrType == 0)
            findings.Add(BtfRule.Size, type, 0, "has no size");
        ulong end = 0;
        foreach (var entry in type.DatasecEntries)
        {
            if (entry.ByteOffset < end)
                findings.Add(BtfRule.DatasecEntry, type, entry.ByteOffset, "variables overlap or are not in order");
            if (entry.ByteSize == 0)
                findings.Add(BtfRule.DatasecEntry, type, entry.TypeId, "variable has no size");
            end = (ulong)entry.ByteOffset + entry.ByteSize;
            if (end > type.SizeOrType)
                findings.Add(BtfRule.DatasecEntry, type, end, "variable ends past the section");
        }
    }
}
