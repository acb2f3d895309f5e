using Btf.Format;
using Btf.Text.CSource;

namespace Btf.Text.Layout;

/// <summary>Works out layouts of one BTF. Not safe for concurrent use.</summary>
public sealed class LayoutReader
{
    private readonly TypeLayout _types;
    private readonly TypeLine _lines;
    private readonly WorkLimit _work;

    public LayoutReader(BtfBlob blob)
    {
        _types = new TypeLayout(blob);
        _lines = new TypeLine(_types);
        _work = new WorkLimit(4L * blob.Bytes.Length + (1 << 16));
    }

    internal TypeLine Lines => _lines;
    internal TypeLayout Types => _types;

    /// <param name="composite">A STRUCT or UNION.</param>
    /// <exception cref="BtfFormatException">An id or a name is out of range, or types nest without end.</exception>
    public CompositeLayout Read(in BtfType composite) => Read(composite, 0, 0);

    private CompositeLayout Read(in BtfType composite, long start, int depth)
    {
        _work.Enter(composite.Id, depth);
        var gaps = new GapWalk(isUnion: composite.Kind == BtfKind.Union);
        var (members, between) = (new List<MemberLayout>(composite.Vlen), new List<LayoutGap>(composite.Vlen));
        foreach (var member in composite.Members)
        {
            _work.Enter(member.TypeId, depth);
            var place = PlaceOf(member);
            between.Add(gaps.Before(place));
            members.Add(ReadMember(member, place, start, depth));
        }
        for (var i = 1; i < members.Count; i++)
            members[i - 1] = members[i - 1] with { GapBehind = between[i] };
        return new CompositeLayout
        {
            IsUnion = composite.Kind == BtfKind.Union,
            IsPacked = composite.Kind == BtfKind.Struct && _types.IsPacked(composite),
            Size = composite.SizeOrType,
            Members = members,
            LeadingGap = between.Count > 0 ? between[0] : default,
            Padding = gaps.End(composite.SizeOrType),
        };
    }

    private MemberLayout ReadMember(in BtfMember member, in MemberPlace place, long start, int depth)
    {
        var type = _types.Blob[member.TypeId];
        var inner = InPlace(member.TypeId) is { } anonymous ? Read(anonymous, start + place.Unit / 8, depth + 1) : null;
        return new MemberLayout
        {
            Name = member.Name,
            Declaration = _lines.Of(member.TypeId, member.NameBytes),
            ByteOffset = start + place.Unit / 8,
            BitOffset = place.IsBitfield ? (int)(place.Start - place.Unit) : null,
            BitSize = place.IsBitfield ? (int)place.Bits : null,
            ByteSize = place.UnitBits / 8,
            GapBehind = default,
            InnerPadding = type.Kind == BtfKind.Struct ? PaddingOf(type) : 0,
            Inner = inner,
        };
    }

    /// <summary>The struct or union without name whose members stand in the declaration, if there is one.</summary>
    private BtfType? InPlace(uint id)
    {
        for (var depth = 0; depth < TypeLayout.MaxDepth; depth++)
        {
            var type = _types.Blob[id];
            if (type.IsComposite)
                return type.NameOffset == 0 ? type : null;
            if (type.Kind is not (BtfKind.Array or BtfKind.Const or BtfKind.Volatile or BtfKind.Restrict or BtfKind.TypeTag))
                return null;
            id = type.Reference(0);
        }
        throw TypeLayout.TooDeep(id);
    }

    private long PaddingOf(in BtfType structure)
    {
        var gaps = new GapWalk(isUnion: false);
        foreach (var member in structure.Members)
        {
            _work.Enter(member.TypeId, 0);
            gaps.Before(PlaceOf(member));
        }
        return gaps.End(structure.SizeOrType).Bytes;
    }

    private MemberPlace PlaceOf(in BtfMember member)
    {
        var unitBits = 8 * _types.SizeOf(member.TypeId);
        var (start, bits) = ((long)member.BitOffset, (long)member.BitfieldSize);
        if (bits == 0 && _types.Resolve(member.TypeId) is { Kind: BtfKind.Int } number && !number.Int.IsRegular)
            (start, bits) = (start + number.Int.BitOffset, number.Int.Bits);
        // A bitfield is part of a number of its type that is aligned to its size.
        return bits == 0 || unitBits == 0 ? new MemberPlace(start, unitBits, start, unitBits, IsBitfield: false)
            : new MemberPlace(start, bits, start / unitBits * unitBits, unitBits, IsBitfield: true);
    }
}

/// <summary>Where a member lies in the type that holds it, in bits.</summary>
/// <param name="Unit">Of a bitfield, the start of the number it is part of.</param>
internal readonly record struct MemberPlace(long Start, long Bits, long Unit, long UnitBits, bool IsBitfield);

/// <summary>
/// Goes along the members of a struct and tells what no member covers. Behind a bitfield, the rest of the number it is part of counts in
/// bits, and what follows in bytes.
/// </summary>
internal struct GapWalk(bool isUnion)
{
    private long _covered, _unitEnd;
    private bool _inBitfield;

    public LayoutGap Before(in MemberPlace next)
    {
        if (isUnion)
            return default;
        var bits = LeaveUnit(next.Start);
        var bytes = Math.Max(0, next.Unit - _covered) / 8;
        _covered = Math.Max(_covered, next.Unit);
        if (next.IsBitfield)
            bits += Math.Max(0, next.Start - _covered);
        // Of bitfields of several types that share bytes, the widest says where their bits end.
        _unitEnd = Math.Max(_inBitfield ? _unitEnd : 0, next.Unit + next.UnitBits);
        (_covered, _inBitfield) = (next.Start + next.Bits, next.IsBitfield);
        return new LayoutGap(bits, bytes);
    }

    public LayoutGap End(long byteSize)
    {
        if (isUnion)
            return default;
        var bits = LeaveUnit(8 * byteSize);
        return new LayoutGap(bits, Math.Max(0, byteSize - _covered / 8));
    }

    private long LeaveUnit(long start)
    {
        var end = Math.Min(start, _unitEnd);
        if (!_inBitfield || end <= _covered)
            return 0;
        var bits = end - _covered;
        _covered = end;
        return bits;
    }
}
