using System.Globalization;
using System.Text;
using Btf.Format;

namespace Btf.CoRe;

/// <summary>Relocations in words.</summary>
public static class CoreText
{
    /// <summary>Names of an upload may have 4,096 bytes each, and an access 64 of them.</summary>
    private const int MaxLength = 400;

    /// <summary>What is longer than people read, cut off.</summary>
    internal static string Shortened(string text) => text.Length <= MaxLength ? text : $"{text.AsSpan(0, MaxLength)}…";

    /// <summary>A file's name or a source line.</summary>
    internal static string Line(BtfBlob btf, uint offset) => Shortened(btf.Text(offset, 4 * MaxLength).Trim());

    /// <summary>An access in C notation: <c>struct task_struct.real_parent</c>, <c>struct foo.a[3].b</c>, <c>enum color.RED</c>, <c>struct foo</c>.</summary>
    public static string Of(CoreSpec spec)
    {
        var text = new StringBuilder(Of(spec.Btf, spec.RootTypeId));
        for (var i = 0; i < spec.Accessors.Length && text.Length <= MaxLength; i++)
        {
            var accessor = spec.Accessors[i];
            if (accessor.IsNamed)
                text.Append('.').Append(spec.Btf.Name(accessor.NameOffset));
            else if (i > 0 || accessor.Index > 0)
                text.Append(CultureInfo.InvariantCulture, $"[{accessor.Index}]");
        }
        return Shortened(text.ToString());
    }

    /// <summary>An access by names alone, flavours aside: <c>task_struct.mm</c>; null if it names no member or its root has no name.</summary>
    internal static string? FieldOf(CoreSpec spec)
    {
        var names = new List<string> { Encoding.UTF8.GetString(EssentialName.Of(TypeSteps.Underlying(spec.Btf, spec.RootTypeId).NameBytes)) };
        foreach (var accessor in spec.Accessors[1..])
        {
            if (!accessor.IsNamed)
                break;
            names.Add(spec.Btf.Name(accessor.NameOffset));
        }
        return names.Count > 1 && names[0].Length > 0 ? string.Join('.', names) : null;
    }

    /// <summary>A type as C names it, without what pointers and arrays add: <c>struct page</c>, <c>u32</c>, <c>struct (anonymous)</c>.</summary>
    public static string Of(BtfBlob btf, uint id)
    {
        if (id == 0)
            return "void";
        var type = btf[id];
        var name = type.NameOffset == 0 ? "(anonymous)" : Shortened(type.Name);
        return type.Kind switch
        {
            BtfKind.Struct => $"struct {name}",
            BtfKind.Union => $"union {name}",
            BtfKind.Enum or BtfKind.Enum64 => $"enum {name}",
            BtfKind.Fwd => $"{(type.KindFlag ? "union" : "struct")} {name} (declared only)",
            _ => name,
        };
    }

    public static string Of(CoreFailure failure) => failure switch
    {
        CoreFailure.None => "resolved",
        CoreFailure.NoSuchType => "no type of this name and kind",
        CoreFailure.NoSuchMember => "no member of this name",
        CoreFailure.MemberTypeDiffers => "the member's type is of another kind",
        CoreFailure.NotComposite => "not a struct or union there",
        CoreFailure.NotAnArray => "not an array there",
        CoreFailure.IndexOutOfBounds => "the array is shorter",
        CoreFailure.NoSuchEnumerator => "no enumerator of this name",
        CoreFailure.NotAnEnum => "not an enum there",
        CoreFailure.TypeNotCompatible => "the type is not compatible",
        CoreFailure.TypeDoesNotMatch => "the type does not match",
        CoreFailure.UnknownKind => "unknown kind of relocation",
        CoreFailure.MalformedAccess => "the access string does not fit the local type",
        CoreFailure.AnonymousRoot => "the type has no name to look for",
        CoreFailure.AmbiguousOffset => "several types of the name match, with different offsets",
        CoreFailure.AmbiguousValue => "several types of the name match, with different values",
        CoreFailure.NestedTooDeep => "nested too deep",
        CoreFailure.TooComplex => "too complex to compare",
        CoreFailure.SizeUnknown => "the size of the type is not known",
        CoreFailure.EmptyArray => "an array without elements, and not the last member",
        CoreFailure.BitfieldTooWide => "no load of 8 bytes holds the bitfield",
        CoreFailure.NotForArrayElements => "not a question that can be asked of an array element",
        CoreFailure.NoSignedness => "the type has no signedness",
        CoreFailure.OffsetTooLarge => "the offset does not fit the instruction's 16 bits",
        CoreFailure.SizeNotAdjustable => "the field has another size, and is no pointer or unsigned integer in both",
        CoreFailure.UnexpectedInstruction => "the instruction cannot be relocated",
        CoreFailure.UnexpectedValue => "the instruction does not hold the value that its relocation implies",
        _ => failure.ToString(),
    };
}
