using Btf.Format;

namespace Btf.CoRe;

/// <summary>What a relocation comes to on one side, the object's or the target's.</summary>
/// <param name="Value">Bytes, an id, an enumerator's value, a shift or a truth, as its kind says.</param>
/// <param name="LoadSize">Bytes of the field that is loaded or stored, of a byte offset; else 0. Of an array, one element's.</param>
/// <param name="LoadTypeId">Its type.</param>
/// <param name="IsAmbiguous">Compilers may choose the value, as of bitfields: it is not compared with the instruction.</param>
internal readonly record struct CoreValue(ulong Value, uint LoadSize = 0, uint LoadTypeId = 0, bool IsAmbiguous = false);

/// <summary>Calculates values from a spec, as libbpf does.</summary>
internal static class CoreValues
{
    private const int WidestLoad = 8;

    /// <param name="spec">The object's or the target's.</param>
    /// <param name="isBigEndian">Byte order of the program.</param>
    /// <param name="value">The result, where there is no failure.</param>
    public static CoreFailure Calculate(CoreSpec spec, bool isBigEndian, out CoreValue value)
    {
        value = default;
        return spec.Kind switch
        {
            CoreRelocationKind.FieldExists or CoreRelocationKind.TypeExists or CoreRelocationKind.TypeMatches or CoreRelocationKind.EnumvalExists => Truth(out value),
            CoreRelocationKind.TypeIdLocal or CoreRelocationKind.TypeIdTarget => Id(spec, out value),
            CoreRelocationKind.TypeSize => Size(spec.Btf, spec.RootTypeId, out value),
            CoreRelocationKind.EnumvalValue => Enumerator(spec, out value),
            _ => spec.Accessors[^1].IsNamed ? Field(spec, isBigEndian, out value) : Element(spec, out value),
        };
    }

    private static CoreFailure Truth(out CoreValue value)
    {
        value = new(1);
        return CoreFailure.None;
    }

    private static CoreFailure Id(CoreSpec spec, out CoreValue value)
    {
        // Ids change when objects are linked: the instruction's is not compared.
        value = new(spec.RootTypeId, IsAmbiguous: true);
        return CoreFailure.None;
    }

    private static CoreFailure Size(BtfBlob blob, uint id, out CoreValue value)
    {
        var size = TypeSteps.SizeOf(blob, id);
        value = new((ulong)size);
        return size < 0 ? CoreFailure.SizeUnknown : CoreFailure.None;
    }

    private static CoreFailure Enumerator(CoreSpec spec, out CoreValue value)
    {
        var accessor = spec.Accessors[0];
        var type = spec.Btf[accessor.TypeId];
        var number = type.Enumerators[accessor.Index].Value;
        // libbpf takes the 32 bits of an ENUM as signed, whatever its kind_flag says.
        value = new(type.Kind == BtfKind.Enum ? (ulong)(int)number : (ulong)number);
        return CoreFailure.None;
    }

    private static CoreFailure Element(CoreSpec spec, out CoreValue value)
    {
        value = default;
        var id = spec.Accessors[^1].TypeId;
        return spec.Kind switch
        {
            CoreRelocationKind.FieldByteOffset => Offset(spec, id, out value),
            CoreRelocationKind.FieldByteSize => Size(spec.Btf, id, out value),
            _ => CoreFailure.NotForArrayElements,
        };
    }

    private static CoreFailure Offset(CoreSpec spec, uint id, out CoreValue value)
    {
        var element = TypeSteps.Underlying(spec.Btf, id);
        for (var i = 0; element.Kind == BtfKind.Array; i++)
        {
            if (i == CoreSpec.MaxLength)
                throw new BtfFormatException(BtfBlob.TypesSection, 0, id, "arrays without end");
            element = TypeSteps.Underlying(spec.Btf, element.Array.ElementTypeId);
        }
        var size = TypeSteps.SizeOf(spec.Btf, element.Id);
        value = new(spec.BitOffset / 8, (uint)size, id);
        return size < 0 ? CoreFailure.SizeUnknown : CoreFailure.None;
    }

    private static CoreFailure Field(CoreSpec spec, bool isBigEndian, out CoreValue value)
    {
        var accessor = spec.Accessors[^1];
        var member = spec.Btf[accessor.TypeId].Members[accessor.Index];
        var type = TypeSteps.Underlying(spec.Btf, member.TypeId);
        if (member.BitfieldSize > 0)
            return Bitfield(spec, member, type, isBigEndian, out value);
        if (spec.Kind == CoreRelocationKind.FieldByteOffset)
            return Offset(spec, type.Id, out value);
        var size = TypeSteps.SizeOf(spec.Btf, type.Id);
        if (size < 0)
        {
            value = default;
            return CoreFailure.SizeUnknown;
        }
        value = Aspect(spec.Kind, type, spec.BitOffset, (uint)size * 8, spec.BitOffset / 8, (uint)size, isBigEndian);
        return CoreFailure.None;
    }

    private static CoreFailure Bitfield(CoreSpec spec, in BtfMember member, in BtfType type, bool isBigEndian, out CoreValue value)
    {
        value = default;
        var (bit, bits) = (spec.BitOffset, (uint)member.BitfieldSize);
        var size = type.HasSize ? type.SizeOrType : 0;
        if (size == 0)
            return CoreFailure.SizeUnknown;
        // The smallest aligned load that holds all of it.
        var at = bit / 8 / size * size;
        while (bit + bits - at * 8 > size * 8)
        {
            if (size >= WidestLoad)
                return CoreFailure.BitfieldTooWide;
            size *= 2;
            at = bit / 8 / size * size;
        }
        value = Aspect(spec.Kind, type, bit, bits, at, size, isBigEndian) with
        {
            IsAmbiguous = spec.Kind is not (CoreRelocationKind.FieldSigned or CoreRelocationKind.FieldRshiftU64),
        };
        return CoreFailure.None;
    }

    private static CoreValue Aspect(CoreRelocationKind kind, in BtfType type, uint bit, uint bits, uint at, uint size, bool isBigEndian) => new(kind switch
    {
        CoreRelocationKind.FieldByteOffset => at,
        CoreRelocationKind.FieldByteSize => size,
        CoreRelocationKind.FieldSigned => IsSigned(type) ? 1u : 0,
        CoreRelocationKind.FieldRshiftU64 => 64 - bits,
        CoreRelocationKind.FieldLshiftU64 => isBigEndian ? (8 - size) * 8 + (bit - at * 8) : 64 - (bit + bits - at * 8),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, "not an aspect of a field"),
    });

    private static bool IsSigned(in BtfType type) =>
        (type.IsEnum && type.KindFlag) || (type.Kind == BtfKind.Int && type.Int.Encoding.HasFlag(BtfIntEncoding.Signed));
}
