namespace Btf.Text.Layout;

/// <summary>Where the members of a struct or union lie, in bytes and bits, and what lies between them: the numbers of <c>pahole -C</c>.</summary>
public sealed record CompositeLayout
{
    /// <summary>Bytes of a cache line on what serves the most kernels.</summary>
    public const int CacheLineBytes = 64;

    public required bool IsUnion { get; init; }

    /// <summary>Its members stand closer than their types would have it.</summary>
    public required bool IsPacked { get; init; }

    /// <summary>In bytes.</summary>
    public required long Size { get; init; }

    public required IReadOnlyList<MemberLayout> Members { get; init; }

    /// <summary>Unused bits and bytes before the first member.</summary>
    public required LayoutGap LeadingGap { get; init; }

    /// <summary>Unused bits behind a bitfield that comes last, within the type it is part of, and unused bytes behind.</summary>
    public required LayoutGap Padding { get; init; }

    public long CacheLines => (Size + CacheLineBytes - 1) / CacheLineBytes;

    /// <summary>Bytes used of the last cache line; 0 if all.</summary>
    public long LastCacheLine => Size % CacheLineBytes;

    /// <summary>Bytes of the members that are no bitfields.</summary>
    public long MemberBytes => Members.Where(member => member.BitSize is null).Sum(member => member.ByteSize);

    public long BitfieldBits => Members.Sum(member => (long)(member.BitSize ?? 0));
    public int Holes => Gaps.Count(gap => gap.Bytes > 0);
    public long HoleBytes => Gaps.Sum(gap => gap.Bytes);
    public int BitHoles => Gaps.Count(gap => gap.Bits > 0);
    public long BitHoleBits => Gaps.Sum(gap => gap.Bits);

    /// <summary>Members that are structs with bytes of padding at their end.</summary>
    public int PaddedMembers => Members.Count(member => member.InnerPadding > 0);

    public long InnerPaddingBytes => Members.Sum(member => member.InnerPadding);

    private IEnumerable<LayoutGap> Gaps => Members.Select(member => member.GapBehind).Prepend(LeadingGap);
}

/// <summary>Unused bits of a bitfield's type, and the whole unused bytes behind it.</summary>
public readonly record struct LayoutGap(long Bits, long Bytes);

public sealed record MemberLayout
{
    /// <summary>Empty if it has none: its members are reached as if they were those of the type around it.</summary>
    public required string Name { get; init; }

    /// <summary>In C: <c>const char *name[3]</c>; the members of a type without name are <c>{…}</c> and stand in <see cref="Inner"/>.</summary>
    public required string Declaration { get; init; }

    /// <summary>From the start of the outermost type. Of a bitfield, where the type it is part of starts.</summary>
    public required long ByteOffset { get; init; }

    /// <summary>Of a bitfield, from <see cref="ByteOffset"/> on: from the lowest bit where bytes are little-endian, else from the highest. Null of others.</summary>
    public required int? BitOffset { get; init; }

    /// <summary>Of a bitfield; null of others.</summary>
    public required int? BitSize { get; init; }

    /// <summary>Of a bitfield, the size of its type.</summary>
    public required long ByteSize { get; init; }

    /// <summary>Before the next member.</summary>
    public required LayoutGap GapBehind { get; init; }

    /// <summary>Of a member that is a struct, not behind a typedef: the bytes at its end that it has no use for.</summary>
    public required long InnerPadding { get; init; }

    /// <summary>Of a struct or union without name; null if there is none.</summary>
    public CompositeLayout? Inner { get; init; }
}
