using Btf.Format;

namespace Btf.CoRe;

/// <summary>Reads a relocation of an object into a <see cref="CoreSpec"/>: what the access string says of the local types.</summary>
internal static class CoreSpecParser
{
    public static CoreFailure Parse(BtfBlob local, in CoreRelocation relocation, CoreSpec spec)
    {
        spec.Begin(local, relocation.Kind, relocation.TypeId);
        if (!relocation.Kind.IsKnown())
            return CoreFailure.UnknownKind;
        var access = local.NameBytes(relocation.AccessOffset);
        if (relocation.Kind.IsType())
            return access.SequenceEqual("0"u8) ? CoreFailure.None : CoreFailure.MalformedAccess;
        var failure = ParsePath(access, spec);
        if (failure != CoreFailure.None)
            return failure;
        return relocation.Kind.IsEnumval() ? ParseEnumerator(spec) : ParseField(spec);
    }

    private static CoreFailure ParsePath(ReadOnlySpan<byte> access, CoreSpec spec)
    {
        while (true)
        {
            var digits = access.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
            var number = digits < 0 ? access : access[..digits];
            if (!int.TryParse(number, System.Globalization.NumberStyles.None, provider: null, out var index))
                return CoreFailure.MalformedAccess;
            if (spec.IsFull)
                return CoreFailure.NestedTooDeep;
            spec.Step(index);
            if (digits < 0)
                return CoreFailure.None;
            if (access[digits] != ':')
                return CoreFailure.MalformedAccess;
            access = access[(digits + 1)..];
        }
    }

    private static CoreFailure ParseEnumerator(CoreSpec spec)
    {
        var type = TypeSteps.Underlying(spec.Btf, spec.RootTypeId);
        if (!type.IsEnum || spec.Path.Length > 1 || spec.Path[0] >= type.Vlen)
            return CoreFailure.MalformedAccess;
        spec.Add(new CoreAccessor(type.Id, spec.Path[0], type.Enumerators[spec.Path[0]].NameOffset));
        return CoreFailure.None;
    }

    private static CoreFailure ParseField(CoreSpec spec)
    {
        var type = TypeSteps.Underlying(spec.Btf, spec.RootTypeId);
        var failure = AddElement(spec, type.Id, spec.Path[0]);
        for (var i = 1; i < spec.Path.Length && failure == CoreFailure.None; i++)
        {
            type = TypeSteps.Underlying(spec.Btf, type.Id);
            failure = type.Kind switch
            {
                BtfKind.Struct or BtfKind.Union => ParseMember(spec, ref type, spec.Path[i]),
                BtfKind.Array => ParseElement(spec, ref type, spec.Path[i]),
                _ => CoreFailure.MalformedAccess,
            };
        }
        return failure;
    }

    private static CoreFailure ParseMember(CoreSpec spec, ref BtfType type, int index)
    {
        if (index >= type.Vlen)
            return CoreFailure.MalformedAccess;
        var member = type.Members[index];
        spec.BitOffset += member.BitOffset;
        if (member.NameOffset != 0)
            spec.Add(new CoreAccessor(type.Id, index, member.NameOffset));
        type = spec.Btf[member.TypeId];
        return CoreFailure.None;
    }

    private static CoreFailure ParseElement(CoreSpec spec, ref BtfType type, int index)
    {
        var array = type.Array;
        type = TypeSteps.Underlying(spec.Btf, array.ElementTypeId);
        if (index >= array.ElementCount && !TypeSteps.IsFlexible(spec.Btf, spec.Accessors[^1], array))
            return CoreFailure.MalformedAccess;
        return AddElement(spec, type.Id, index);
    }

    /// <summary>An element of an array, or of the pointer that the access begins with.</summary>
    private static CoreFailure AddElement(CoreSpec spec, uint typeId, int index)
    {
        var size = TypeSteps.SizeOf(spec.Btf, typeId);
        if (size < 0)
            return CoreFailure.SizeUnknown;
        spec.Add(new CoreAccessor(typeId, index, 0));
        spec.BitOffset += unchecked((uint)(index * size * 8));
        return CoreFailure.None;
    }
}
