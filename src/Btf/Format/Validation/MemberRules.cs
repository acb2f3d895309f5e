namespace Btf.Format.Validation;

/// <summary>Where members of each kind may stand (the kernel's <c>check_member</c> and <c>check_kflag_member</c>).</summary>
internal sealed class MemberRules(ResolvedSizes sizes, int pointerSize, BtfFindings findings)
{
    // Widest value that the kernel copies out of a struct to print.
    private const int MaxCopyBits = 128;

    // The kernel reads bitfields of enums as int.
    private const int MaxEnumBits = 32;

    /// <param name="type">The composite.</param>
    /// <param name="member">A member whose type has a size.</param>
    public void Check(in BtfType type, in BtfMember member)
    {
        var memberType = sizes.SkipModifiers(member.TypeId);
        if (memberType.Kind == BtfKind.Int)
            CheckInt(type, member, memberType.Int);
        else if (member.BitfieldSize != 0)
            CheckBitfield(type, member, memberType);
        else
            CheckBytes(type, member, memberType);
    }

    private void CheckInt(in BtfType type, in BtfMember member, BtfInt encoding)
    {
        var (offset, bits) = ((ulong)member.BitOffset, encoding.Bits);
        if (!type.KindFlag)
            offset += (uint)encoding.BitOffset;
        else if (!encoding.IsRegular)
            findings.Add(BtfRule.BitfieldSize, type, encoding.Word, $"'{member.Name}' is of an irregular INT");
        else if (member.BitfieldSize == 0)
            RequireWholeByte(type, member);
        else if (member.BitfieldSize > bits)
            findings.Add(BtfRule.BitfieldSize, type, member.BitfieldSize, $"'{member.Name}' is wider than its type");
        if (type.KindFlag && member.BitfieldSize != 0)
            bits = member.BitfieldSize;
        CheckBits(type, member, offset, bits);
    }

    private void CheckBitfield(in BtfType type, in BtfMember member, in BtfType memberType)
    {
        if (!memberType.IsEnum || member.BitfieldSize > Math.Min(MaxEnumBits, 8ul * memberType.SizeOrType))
            findings.Add(BtfRule.BitfieldSize, type, member.BitfieldSize, $"'{member.Name}' is wider than its type");
        CheckBits(type, member, member.BitOffset, member.BitfieldSize);
    }

    private void CheckBits(in BtfType type, in BtfMember member, ulong bitOffset, int bits)
    {
        if (bits + (int)(bitOffset % 8) > MaxCopyBits)
            findings.Add(BtfRule.BitfieldSize, type, (ulong)bits, $"'{member.Name}' has more than {MaxCopyBits} bits");
        RequireWithin(type, member, (bitOffset + (uint)bits + 7) / 8);
    }

    private void CheckBytes(in BtfType type, in BtfMember member, in BtfType memberType)
    {
        RequireWholeByte(type, member);
        if (memberType.Kind == BtfKind.Float && member.BitOffset % (8 * Math.Min((uint)pointerSize, memberType.SizeOrType)) != 0)
            findings.Add(BtfRule.MemberOffset, type, member.BitOffset, $"'{member.Name}' is a FLOAT out of alignment");
        RequireWithin(type, member, member.BitOffset / 8 + (ulong)sizes[member.TypeId].GetValueOrDefault());
    }

    private void RequireWholeByte(in BtfType type, in BtfMember member)
    {
        if (member.BitOffset % 8 != 0)
            findings.Add(BtfRule.MemberOffset, type, member.BitOffset, $"'{member.Name}' does not start at a byte");
    }

    private void RequireWithin(in BtfType type, in BtfMember member, ulong end)
    {
        if (end > type.SizeOrType)
            findings.Add(BtfRule.MemberOffset, type, end, $"'{member.Name}' ends past the end");
    }
}
